"""A method that is pruned for each language: which jobs it adds, and a small whole run."""

import pandas as pd
import pytest
from workflow.expected import MODEL, PRUNED, everything, figures, join, tables
from workflow.running import Outcome, Workflow

from multiprune.files.json import read_json

OVERLAY = "tiny_for_each.yaml"
CONFIG = ("--configfile", "tiny.yaml", OVERLAY)
FIGURES = ("downstream_by_language", "consistency_rankc", "perplexity_against_accuracy")
SEED = f"results/tiny/{MODEL}/seed0"


def own(language: str, *asked: str) -> set[str]:
    """Pruning for a language, its perplexity, and the task in the languages that are asked."""
    run = f"{MODEL} 0 own-{language} 0.5"
    answers = {f"evaluate_cloze_own_language {run} {code}" for code in asked}
    return {f"prune_model {run}", f"evaluate_own_language {run} {language}"} | answers


def of_the_task() -> set[str]:
    """Building the task in two languages and asking the models of all languages."""
    built = {f"build_parallel_task cloze {language}" for language in ("de", "en")}
    return built | {f"evaluate_cloze {MODEL} 0 {name}" for name in ("dense 0", "wanda 0.5")}


def of_downstream_tables() -> set[str]:
    """The tables of downstream scores and their figures."""
    made = ("downstream", "consistency")
    found = {f"tabulate_results {MODEL} {table}" for table in made} | join(*made)
    return found | {f"draw_figure {figure} {MODEL}" for figure in FIGURES}


def of_interference() -> set[str]:
    """What compares a language's own model with the pooled one."""
    name = "interference"
    return {f"tabulate_results {MODEL} {name}", f"draw_figure {name} {MODEL}"} | join(name)


def of_pages() -> set[str]:
    """Pages of other tables, on which a label may stand: the method has one, and so its members."""
    return join("correlation", "overlap")


def test_from_nothing_each_language_has_jobs_of_its_own(fresh: Workflow):
    fresh.add_overlay(OVERLAY)
    with fresh.edit_config(OVERLAY) as content:
        content["methods"]["own"]["for_each"] = ["de", "en"]
    jobs = fresh.jobs(*CONFIG, config=False)
    members = own("de", "de", "en") | own("en", "en")
    made = of_the_task() | of_downstream_tables() | of_interference()
    assert jobs == everything() | members | made


@pytest.fixture(scope="module")
def before(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished experiment, with the overlay beside its config."""
    workflow = finished.copy(tmp_path_factory.mktemp("for_each") / "project")
    workflow.add_overlay(OVERLAY)
    return workflow


@pytest.fixture(scope="module")
def outcome(before: Workflow) -> Outcome:
    """The run that adds a method for each of one language."""
    expected = own("de", "de", "en") | of_the_task() | of_downstream_tables()
    expected |= tables("perplexity", "allocation") | figures() | of_pages() | of_interference()
    assert before.jobs(*CONFIG, config=False) == expected
    return before.run("--show-failed-logs", *CONFIG, config=False)


@pytest.fixture
def after(before: Workflow, outcome: Outcome, tmp_path) -> Workflow:
    assert outcome.code == 0, outcome.text
    return before.copy(tmp_path / "project")


def test_everything_is_made_and_compared_under_the_name_in_the_config(after: Workflow):
    assert after.jobs(*CONFIG, config=False) == set()
    folder = after.folder / SEED
    assert [path.name for path in (folder / "perplexity/own-de/0.5").iterdir()] == ["de.json"]
    answers = folder / "downstream/own-de/0.5/cloze"
    assert sorted(path.name for path in answers.iterdir()) == ["de.json", "en.json"]
    made = {
        name: pd.read_csv(after.folder / f"results/tiny/tables/{name}.csv")
        for name in ("perplexity", "summary", "downstream", "consistency", "allocation")
    }
    record = read_json(folder / "perplexity/own-de/0.5/de.json")
    [row] = made["perplexity"].query("method == 'own'").to_dict("records")
    assert (row["language"], row["calibrated_on"]) == ("de", "yes")
    assert row["perplexity"] == pytest.approx(record["perplexity"])
    [mean] = made["summary"].query("method == 'own'").to_dict("records")
    assert (mean["language_set"], mean["languages"]) == ("own", 1)
    assert mean["perplexity"] == pytest.approx(record["perplexity"])
    for name in ("downstream", "consistency"):
        assert set(made[name].query("method == 'own'")["language"]) == {"de"}
    methods = {row.split()[0] for row in PRUNED} | {"own-de"}
    assert set(made["allocation"]["method"]) == methods
    findings = (after.folder / "results/tiny/captions/findings.rst").read_text()
    assert "under a model of its own: Each alone" in findings
    audit = after.run("audit", *CONFIG, config=False)
    assert audit.code == 0, audit.text


def test_a_further_language_adds_its_own_jobs(after: Workflow):
    with after.edit_config(OVERLAY) as content:
        content["methods"]["own"]["for_each"] = ["de", "en"]
    jobs = after.jobs(*CONFIG, config=False)
    made_again = tables("perplexity", "allocation") | figures() | of_pages() | of_interference()
    assert jobs == own("en", "en") | made_again | of_downstream_tables()


def test_a_member_is_exported_with_its_language(after: Workflow):
    target = f"{SEED}/export/own-de/0.5/manifest.json"
    exported = after.run(target, *CONFIG, config=False)
    assert exported.code == 0, exported.text
    card = (after.folder / SEED / "export/own-de/0.5/README.md").read_text()
    assert "German" in card
    assert "Swahili" not in card
