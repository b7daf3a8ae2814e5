"""Tasks that the hub does not have, wholly or in a language: all else is made, with a note."""

from pathlib import Path

import pandas as pd
import pytest
from loopback_hub import loopback_hub, rows_repository
from workflow.expected import MODEL
from workflow.running import Outcome, Workflow

OVERLAY = "tiny_optional.yaml"
CONFIG = ("--configfile", "tiny.yaml", OVERLAY)
XNLI = [
    {"premise": "x y", "hypothesis": "y", "label": label, "idx": number}
    for number, label in enumerate([0, 1, 2, 0])
]


def run(workflow: Workflow, *arguments: str, **datasets: object) -> Outcome:
    """Snakemake beside a hub that has some datasets."""
    with loopback_hub(datasets=datasets) as endpoint:
        environment = {"HF_ENDPOINT": endpoint, "HF_HOME": str(workflow.folder / "home")}
        environment |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        return workflow.run(*arguments, *CONFIG, config=False, environment=environment)


@pytest.fixture(scope="module")
def made(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished experiment with XNLI in English; the hub has neither German nor Belebele."""
    workflow = finished.copy(tmp_path_factory.mktemp("optional") / "project")
    workflow.add_overlay(OVERLAY)
    outcome = run(workflow, **{"facebook/xnli": rows_repository("en", "validation", XNLI)})
    assert outcome.code == 0, outcome.text
    return workflow


def test_the_table_has_the_rest_and_says_why(made: Workflow):
    table = pd.read_csv(made.folder / "results/tiny/tables/downstream.csv")
    scores = table[table["score"].notna()]
    assert set(zip(scores["task"], scores["language"], strict=True)) == {("xnli", "en")}
    assert set(scores["method"]) == {"dense", "wanda"}
    notes = table[table["score"].isna()].set_index(["task", "language"])["note"]
    assert set(notes.index) == {("xnli", "de"), ("belebele", "de"), ("belebele", "en")}
    assert "config de" in notes["xnli", "de"]
    assert "'de' not found" in notes["xnli", "de"]
    assert "facebook/belebele: no such repository on the hub" in notes["belebele", "en"]


def test_all_figures_are_made(made: Workflow):
    for figure in ("downstream_by_language", "consistency_rankc", "perplexity_against_accuracy"):
        assert (made.folder / f"results/tiny/figures/{figure}-{MODEL}.png").is_file()
    claims = (made.folder / "results/tiny/tables/claims.md").read_text(encoding="utf-8")
    assert "downstream-gains" in claims


def test_a_second_call_and_an_audit_find_nothing_to_do(made: Workflow):
    assert made.jobs(*CONFIG, config=False) == set()
    assert made.run("audit", *CONFIG, config=False).lines_with("0 damaged", "0 orphans")


def test_a_task_that_must_not_be_missing_ends_with_one_line(made: Workflow, tmp_path: Path):
    workflow = made.copy(tmp_path / "project")
    with workflow.edit_config(OVERLAY) as config:
        config["evaluation"]["downstream"]["tasks"]["belebele"]["missing"] = "fail"
    assert workflow.jobs("fetch", *CONFIG, config=False) == {
        *("fetch_task belebele de", "fetch_task belebele en", "fetch")
    }
    outcome = run(workflow, "fetch", "--show-failed-logs")
    assert outcome.code == 1
    assert outcome.lines_with("error: left out earlier (task belebele (", "remove resources/tasks")
    assert not (workflow.folder / "results/tiny/tables/incomplete").exists()
