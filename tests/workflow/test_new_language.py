"""One line in the config adds a language to be evaluated, and costs only that language."""

import json
from pathlib import Path

import pytest
from workflow.expected import DENSE, PRUNED, corpora, evaluations, figures, tables
from workflow.running import Outcome, Workflow

RECORDS = "results/tiny/tiny-llama/seed0/perplexity"
LOGS = "results/tiny/logs/evaluate_perplexity/tiny-llama/seed0"


@pytest.fixture(scope="module")
def with_french(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished experiment whose config has gained an unseen language."""
    workflow = finished.copy(tmp_path_factory.mktemp("language") / "project")
    with workflow.edit_config() as config:
        config["languages"]["fr"] = {"corpus": "words", "role": "unseen"}
    return workflow


@pytest.fixture(scope="module")
def planned(with_french: Workflow) -> set[str]:
    return with_french.jobs()


@pytest.fixture(scope="module")
def outcome(with_french: Workflow, planned: set[str]) -> Outcome:
    """The run that evaluates the new language, after it was planned."""
    return with_french.run()


def test_plan_holds_what_depends_on_the_language(planned: set[str]):
    # The tables of masks and of statistics do not ask which languages are evaluated.
    expected = corpora("fr") | evaluations(PRUNED | DENSE)
    assert planned == expected | tables("perplexity") | figures()


def test_only_the_new_language_is_computed(with_french: Workflow, outcome: Outcome):
    assert outcome.code == 0, outcome.text
    logs = sorted((with_french.folder / LOGS).rglob("*.log"))
    assert len(logs) == len(PRUNED | DENSE)
    for log in logs:
        states = dict(state_of_line(line) for line in log.read_text().splitlines() if "(" in line)
        kept = dict.fromkeys(("de", "en", "sw"), "kept from an earlier run")
        assert states == {**kept, "fr": "computed"}, log


def state_of_line(line: str) -> tuple[str, str]:
    """`de: perplexity 8.1 (computed)` -> de, computed."""
    return line.split(":")[0], line[line.index("(") + 1 : line.rindex(")")]


def test_other_languages_stay_byte_for_byte(
    with_french: Workflow, finished: Workflow, outcome: Outcome
):
    before, after = finished.files(RECORDS), with_french.files(RECORDS)
    assert len(before) == 3 * len(PRUNED | DENSE)
    assert {path: after[path] for path in before} == before
    new = {path for path in after if path not in before}
    assert {Path(path).name for path in new} == {"fr.json"}
    assert all(json.loads(after[path])["perplexity"] > 1 for path in new)
    assert with_french.files("results/tiny", "masks/**/*") == finished.files(
        "results/tiny", "masks/**/*"
    )


def test_table_gains_the_rows_of_the_language(
    with_french: Workflow, finished: Workflow, outcome: Outcome
):
    table = "results/tiny/tables/perplexity.csv"
    before = (finished.folder / table).read_text().splitlines()
    after = (with_french.folder / table).read_text().splitlines()
    assert set(before) < set(after)
    assert len(after) - len(before) == len(PRUNED | DENSE)
    assert all(",fr,unseen," in line for line in set(after) - set(before))


def test_nothing_is_left_to_do(with_french: Workflow, outcome: Outcome):
    assert with_french.jobs() == set()
