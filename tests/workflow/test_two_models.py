"""A model that fails hides nothing of the others."""

import json

import pandas as pd
import pytest
import tiny
from workflow.expected import FIGURES, MODEL, TABLES
from workflow.running import Outcome, Workflow

BROKEN = "broken-llama"
MADE = [table for kind in TABLES.values() for table in kind]
TABLE_FOLDER = "results/tiny/tables"


@pytest.fixture(scope="module")
def two(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished experiment and a second model, whose weights cannot be read."""
    workflow = finished.copy(tmp_path_factory.mktemp("two") / "project")
    folder = tiny.write_llama(workflow.folder / "inputs/broken", seed=1)
    (folder / "model.safetensors").write_bytes(b"no weights")
    with workflow.edit_config() as config:
        config["models"][BROKEN] = {"kind": "local", "folder": "inputs/broken"}
    return workflow


@pytest.fixture(scope="module")
def outcome(two: Workflow) -> Outcome:
    """The run that cannot make the second model, from no table and no figure of the first."""
    for path in (two.folder / TABLE_FOLDER).rglob("*.csv"):
        path.unlink()
    for path in (two.folder / "results/tiny/figures").iterdir():
        path.unlink()
    return two.run("--keep-going")


def test_the_run_fails_and_names_what_is_missing(outcome: Outcome):
    assert outcome.code != 0
    assert outcome.lines_with(f"failed: fetch_model model={BROKEN}")
    [missing] = outcome.lines_with(f"missing of {BROKEN}: ")
    assert set(missing.split(": ")[1].split(", ")) == set(MADE)
    # Snakemake has a last line of its own, which says that something failed.
    last = outcome.text.splitlines()[-5:]
    assert any(line.endswith("incomplete") for line in last), outcome.text
    assert not outcome.lines_with(f"missing of {MODEL}")
    assert "Traceback" not in outcome.text


def test_the_other_model_has_its_tables_and_figures(two: Workflow, outcome: Outcome):
    tables = two.files(f"{TABLE_FOLDER}/by_model/{MODEL}", "[a-z]*.csv")
    assert {name.removesuffix(".csv") for name in tables} == set(MADE)
    drawn = two.files("results/tiny/figures", "[a-z]*.png")
    assert set(drawn) == {f"{figure}-{MODEL}.png" for figure in FIGURES}


def test_what_there_is_is_joined_and_says_that_it_is_not_whole(two: Workflow, outcome: Outcome):
    folder = two.folder / TABLE_FOLDER / "incomplete"
    for name in MADE:
        own = two.folder / TABLE_FOLDER / "by_model" / MODEL / f"{name}.csv"
        assert (folder / f"{name}.csv").read_bytes() == own.read_bytes()
        assert f"{BROKEN} is missing" in (folder / f"{name}.html").read_text()
    measured = (pd.read_csv(folder / "claims.csv")["verdict"] != "not measured").sum()
    assert measured
    assert (folder / "claims.md").read_text().count("**") == 2 * measured
    assert not (two.folder / TABLE_FOLDER / "perplexity.csv").exists()


def test_without_the_model_all_is_whole_again(two: Workflow, outcome: Outcome):
    with two.edit_config() as config:
        del config["models"][BROKEN]
    again = two.run()
    assert again.code == 0, again.text
    assert not (two.folder / TABLE_FOLDER / "incomplete").exists()
    assert two.jobs() == set()
    origin = json.loads((two.folder / TABLE_FOLDER / ".perplexity.csv.origin.json").read_text())
    assert list(origin["inputs"]) == [f"{TABLE_FOLDER}/by_model/{MODEL}/perplexity.csv"]
