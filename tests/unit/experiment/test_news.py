"""A config held against results of which only the paths count."""

import json
import math
from pathlib import Path

import pytest

from multiprune.experiment import table_grids
from multiprune.experiment.news import in_words, news
from multiprune.experiment.plan import Plan
from multiprune.experiment.plan_in_words import sentences
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.validation import validate
from unit.experiment.data import changed

UNSEEN = {"corpus": "words", "role": "unseen", "name": "Croatian"}
JOBS = {"fetch_corpus": 1, "evaluate_perplexity": 3, "join_tables": 2, "draw_figure": 10}
SAME_TEXTS = {rule: count for rule, count in JOBS.items() if rule != "fetch_corpus"}


def finish(experiment: Experiment, folder: Path) -> None:
    """The records of an experiment, empty, and its grid."""
    for model in experiment.models:
        for path in Plan(experiment).all_perplexity(model):
            record = folder / path.removeprefix("<results>/")
            record.parent.mkdir(parents=True, exist_ok=True)
            record.touch()
    (folder / "grid.json").write_text(json.dumps(table_grids.whole_grid(experiment)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    finish(validate(changed()), tmp_path / "x")
    return tmp_path / "x"


def told(folder: Path, *changes: tuple[str, object]) -> list[str]:
    experiment = validate(changed(*changes))
    return in_words(news(experiment, folder), experiment)


def test_what_is_new_gone_or_changed(folder: Path):
    assert told(folder) == []
    assert told(folder, ("languages/hrv", UNSEEN)) == ["Croatian (hrv) added"]
    assert told(folder, ("methods/ria", {"score": "ria"})) == ["method ria added"]
    assert told(folder, ("seeds", [0, 7])) == ["seed 7 added"]
    sparser = {"score": "wanda", "sparsities": [0.5, 0.6, 0.7]}
    assert told(folder, ("methods/wanda", sparser)) == [
        "wanda at sparsities 0.6, 0.7 added",
    ]
    other = {"score": "wanda", "calibration": ["en"]}
    assert told(folder, ("methods/wanda", other)) == [
        "wanda calibrates on other languages than before"
    ]
    finish(validate(changed(("languages/hrv", UNSEEN))), folder)
    assert told(folder) == ["language hrv removed"]


def test_an_experiment_without_results_has_no_news(tmp_path: Path):
    experiment = validate(changed())
    found = news(experiment, tmp_path)
    assert found.fresh
    assert in_words(found, experiment) == []
    [line, _state] = sentences(experiment, found, JOBS, [], 2)
    assert line == (
        "nothing is computed yet: 1 text, 3 evaluations, 2 tables, 10 figures: "
        "no benchmarks yet, so no time can be said"
    )


def test_a_sentence_says_counts_cache_and_minutes(folder: Path):
    timed = folder / "benchmarks/evaluate_perplexity/tiny/seed0/wanda/0.5.jsonl"
    timed.parent.mkdir(parents=True)
    timed.write_text('{"s": 300.0}\n')
    experiment = validate(changed(("languages/hrv", UNSEEN)))
    found = news(experiment, folder)
    [line, state] = sentences(experiment, found, JOBS, [folder / "benchmarks"], 2)
    languages = len(experiment.languages)
    least = round(3 * 5 / languages / 2)  # of each, the one language that is new
    most = math.ceil(3 * 5 / 2 + 5)
    assert line == (
        "Croatian (hrv) added: 1 text, 3 evaluations (other languages come from the cache), "
        f"2 tables, 10 figures: about {least} to {most} minutes on 2 cores, by the times of "
        "earlier runs, and what has no benchmark yet: draw_figure, fetch_corpus, join_tables"
    )
    assert state == f"{found.computed} of {found.wanted} perplexities are computed already"
    assert 0 < found.computed < found.wanted


def test_where_nothing_is_to_be_done(folder: Path):
    experiment = validate(changed())
    [line, _state] = sentences(experiment, news(experiment, folder), {}, [], 2)
    assert line == "nothing to be done"


def test_no_minutes_without_benchmarks_of_the_jobs_that_hold_a_model(folder: Path):
    timed = folder / "benchmarks/draw_figure/tiny.jsonl"
    timed.parent.mkdir(parents=True)
    timed.write_text('{"s": 3.0}\n')
    experiment = validate(changed(("methods/ria", {"score": "ria"})))
    [line, _state] = sentences(
        experiment, news(experiment, folder), JOBS, [folder / "benchmarks"], 2
    )
    assert line.endswith("no time can be said without benchmarks of evaluate_perplexity")


@pytest.mark.parametrize(("billions", "minutes"), [(0.3, True), (1.0, False)])
def test_hours_stand_beside_the_minutes_of_a_model_that_needs_no_gpu(
    folder: Path, billions, minutes
):
    # 100 million tokens a language make more than a GPU hour of either.
    tokens = {"length": 256, "tokens": 100_000_000 if minutes else 300}
    experiment = validate(
        changed(("models/tiny/parameters", billions), ("evaluation/perplexity", tokens))
    )
    [line, _state, *hours] = sentences(experiment, news(experiment, folder), JOBS, [], 2)
    assert line.endswith(": no benchmarks yet, so no time can be said") is minutes
    assert hours[0] == "GPU hours of the whole grid, estimated:"


def test_what_a_change_of_calibration_replaces_is_said_and_not_counted(folder: Path):
    experiment = validate(changed(("methods/wanda", {"score": "wanda", "calibration": ["en"]})))
    found, before = news(experiment, folder), news(validate(changed()), folder)
    assert found.computed < before.computed
    [line, _state] = sentences(experiment, found, SAME_TEXTS, [], 2)
    assert line.startswith(
        "wanda calibrates on other languages than before; what these methods have in results/"
    )
    assert "is replaced; another `experiment:` keeps both: 3 evaluations" in line


def test_what_was_removed_is_the_whole_reason(folder: Path):
    experiment = validate(changed())
    finish(validate(changed(("languages/hrv", UNSEEN))), folder)
    [line, _state] = sentences(experiment, news(experiment, folder), SAME_TEXTS, [], 2)
    assert line.startswith("language hrv removed: 3 evaluations (all languages come from the cache")


def test_a_run_that_did_not_end_goes_on(folder: Path):
    record = next(folder.glob("*/seed*/perplexity/*/*/*.json"))
    record.unlink()
    experiment = validate(changed())
    [line, _state] = sentences(experiment, news(experiment, folder), SAME_TEXTS, [], 2)
    assert line.startswith("a run that did not end goes on: 3 evaluations")


def test_a_new_sparsity_is_new_and_no_run_that_did_not_end(folder: Path):
    experiment = validate(changed(("methods/wanda", {"score": "wanda", "sparsities": [0.5, 0.6]})))
    jobs = SAME_TEXTS | {"generate_examples": 1}
    [line, _state] = sentences(experiment, news(experiment, folder), jobs, [], 2)
    assert line.startswith(
        "wanda at sparsity 0.6 added: 3 evaluations, 1 set of generated sentences, 2 tables"
    )


def test_a_changed_text_is_named_and_its_perplexities_are_not_called_computed(folder: Path):
    experiment = validate(changed())
    [line, state] = sentences(experiment, news(experiment, folder), JOBS, [], 2)
    assert line.startswith("1 text changed or not fetched: 1 text, 3 evaluations")
    assert state.endswith("computed already; those in other text than now are computed again")


def test_where_nothing_is_new_what_changed_is_named(folder: Path):
    experiment = validate(changed())
    found = news(experiment, folder)
    reasons = {
        "params have changed since last execution": ["prune_model", "draw_figure"],
        "code has changed since last execution": ["prune_model"],
        "updated input files": ["tabulate_results"],
        "output files have to be generated": ["join_tables"],
    }
    [line, _state] = sentences(experiment, found, SAME_TEXTS, [], 2, reasons)
    assert line.startswith(
        "no language, method, model or draw is new; changed: settings or code of draw_figure, "
        "prune_model; files that are read by tabulate_results: "
    )
    [line, _state] = sentences(experiment, found, SAME_TEXTS, [], 2)
    assert "is new; changed: other settings, files or code: " in line
