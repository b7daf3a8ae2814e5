"""A method with for_each: its members prune and are evaluated, the whole is compared."""

from copy import deepcopy

import pytest

from multiprune.experiment import cost, downstream, examples, members, methods, table_grids
from multiprune.experiment.method_facts import facts
from multiprune.experiment.news import news
from multiprune.experiment.plan import Plan
from multiprune.experiment.plan_in_words import sentences
from multiprune.experiment.validation import validate
from multiprune.files.json import canonical, write_json
from unit.experiment import data
from unit.experiment.data import changed, message, wanda

OWN = {"score": "wanda", "calibration": ["{language}"], "for_each": ["ru", "de"]}
PAIRED = OWN | {"calibration": ["{language}-en", "en"], "for_each": ["tr"]}
SHOTS = ("calibration/demonstrations", {"corpus": "words", "samples": 3, "length": 100})
TASK = {"kind": "parallel_cloze", "corpus": "words"}
CLOZE = {"reference": "en", "tasks": {"cloze": TASK}}


def five(*changes: tuple[str, object]) -> dict:
    """The config with five languages; changes of a value that is given here change no other."""
    return data.five(*deepcopy(changes))


def experiment(*more: tuple[str, object]):
    return validate(five(("methods/own", OWN), ("methods/paired", PAIRED), SHOTS, *more))


def test_members_stand_in_its_place_with_their_calibration_sets():
    config = experiment()
    assert set(config.methods) == {"wanda", "magnitude", "own-de", "own-ru", "paired-tr"}
    sets = {name: methods.calibration_sets(config, name) for name in config.methods}
    assert sets["own-de"] == ["de"]
    assert sets["own-ru"] == ["ru"]
    assert sets["paired-tr"] == ["en", "tr-en"]
    assert methods.calibration_sets(config, "own") == ["de", "ru"]
    assert members.members(config, "own") == {"de": "own-de", "ru": "own-ru"}
    assert members.compared(config) == ["magnitude", "own", "paired", "wanda"]
    under = {name: methods.evaluated_under(config, name) for name in config.methods}
    assert under["own-ru"] == ["ru"]
    assert under["wanda"] == ["de", "en", "fr", "kk", "ru", "sw", "tr", "xx"]


def test_a_member_is_pruned_like_the_method_that_says_the_same():
    config = experiment(("methods/de-alone", wanda(["de"])))
    options = [methods.method_options(config, name) for name in ("own-de", "de-alone", "wanda")]
    assert options[0] == options[1] == options[2]


def test_the_config_is_written_as_it_was_read():
    config = experiment(("methods/own/label", "Each alone"))
    assert set(config.plain()["methods"]) == {"wanda", "magnitude", "own", "paired"}
    assert validate(config.plain()) == config
    assert validate(config.plain()) != validate(five())
    assert methods.labels(config) == {
        "own": "Each alone", "own-de": "Each alone, de", "own-ru": "Each alone, ru",
    }  # fmt: skip


def test_order_of_languages_changes_nothing():
    turned = experiment(("methods/own/for_each", ["de", "ru"]))
    grids = [canonical(table_grids.whole_grid(config)) for config in (experiment(), turned)]
    assert grids[0] == grids[1]


def test_grid_marks_the_whole_and_its_members_and_leaves_others_as_they_are():
    found = table_grids.table_grid(experiment(SHOTS))["methods"]
    assert found["own"] == {
        "seeds": [0], "sparsities": ["0.5"], "calibration": ["de", "ru"], "allocation": "uniform",
        "members": {"de": "own-de", "ru": "own-ru"},
    }  # fmt: skip
    assert found["own-de"]["member_of"] == found["own-ru"]["member_of"] == "own"
    before = table_grids.table_grid(validate(five(SHOTS)))["methods"]
    assert {name: found[name] for name in before} == before


def test_pattern_fixes_the_sparsity_of_members_and_of_the_whole():
    config = validate(changed(("methods/own-2-4", OWN | {"for_each": ["de"], "pattern": "2:4"})))
    assert methods.sparsities_of(config, "own-2-4") == ["0.5"]
    assert config.methods["own-2-4-de"].sparsities == [0.5]


def test_jobs_of_members_are_of_one_language():
    config = experiment(("evaluation/downstream", CLOZE))
    plan = Plan(config)
    own = "<results>/tiny/seed0/perplexity/own-"
    records = plan.all_perplexity("tiny")
    assert [path for path in records if path.startswith(own)] == [
        f"{own}de/0.5/de.json", f"{own}ru/0.5/ru.json",
    ]  # fmt: skip
    answered = [path for path in plan.all_downstream("tiny") if "/own-" in path]
    start = "<results>/tiny/seed0/downstream/own-"
    assert answered == [
        f"{start}de/0.5/cloze/de.json", f"{start}de/0.5/cloze/en.json",
        f"{start}ru/0.5/cloze/en.json", f"{start}ru/0.5/cloze/ru.json",
    ]  # fmt: skip
    pruned = [path for path in plan.all_pruned("tiny") if "/own" in path]
    assert pruned == [
        f"<results>/tiny/seed0/masks/own-{code}/0.5.safetensors" for code in ("de", "ru")
    ]
    assert plan.task_rules() == [("cloze", False), ("cloze", True)]
    assert Plan(validate(five(("evaluation/downstream", CLOZE)))).task_rules() == [("cloze", False)]


def test_downstream_names_the_whole_and_no_member():
    config = experiment(("evaluation/downstream", CLOZE | {"methods": ["own"]}))
    grid = table_grids.downstream_grid(config)["downstream"]
    assert set(grid["methods"]) == {"dense", "own"}
    assert downstream.runs(config, grid) == [
        (0, "dense", "0"), (0, "own-de", "0.5"), (0, "own-ru", "0.5"),
    ]  # fmt: skip
    # dense: 8 languages in one job; a member: its own and the reference in a job each.
    assert cost.downstream(config) == (1 + 4, (8 + 4) * 1500 * 300)
    said = message(
        five(("methods/own", OWN), ("evaluation/downstream", CLOZE | {"methods": ["own-de"]}))
    )
    assert said.startswith("evaluation.downstream.methods: unknown method 'own-de'")


def test_a_task_without_the_language_is_not_asked_in_the_reference_alone():
    tasks = {"choice": {"kind": "translation_choice", "corpus": "words"}}
    config = experiment(
        ("methods/own/for_each", ["de", "en"]), ("evaluation/downstream", CLOZE | {"tasks": tasks})
    )  # whose reference is not asked in
    assert downstream.languages_under(config, "choice", "own-de") == ["de"]
    assert downstream.languages_under(config, "choice", "own-en") == []


def test_perplexity_costs_one_language_a_member():
    config = experiment(("evaluation/perplexity/tokens", 100))
    # dense, wanda, magnitude in 8 languages each; three members in one.
    assert cost._work(config)["perplexity"] == (6, (3 * 8 + 3) * 100)


def test_members_write_no_examples():
    config = experiment(("evaluation/examples", {"prompts": {"de": "Am Morgen"}}))
    assert [name for _, name, _ in examples.runs(config)] == ["dense", "magnitude", "wanda"]


def test_facts_of_the_whole_are_those_of_one_model():
    source = {"verified": False, "source": "ours"}
    config = experiment(("sources", {"methods.own.score": source}))
    found = facts(config)
    assert found["own"] == found["own-de"] == {
        "constants": "ours", "off": [], "languages": 1, "tokens": 8 * 128, "at_most": False,
    }  # fmt: skip
    assert found["paired"]["languages"] == 2
    assert found["paired"]["tokens"] == 8 * 128 + 3 * 100


def test_news_count_one_language_a_member(tmp_path):
    write_json(tmp_path / "tiny/seed0/perplexity/own-de/0.5/de.json", {})
    found = news(experiment(), tmp_path)
    assert (found.wanted, found.computed) == (3 * 8 + 3, 1)
    jobs = {"evaluate_perplexity": 3, "evaluate_own_language": 2}
    tasks = {"evaluate_cloze": 1, "evaluate_cloze_own_language": 4}
    said = sentences(experiment(), found, jobs | tasks, [], 2)[0]
    assert ": 5 evaluations (other languages come from the cache), 5 downstream evaluations" in said
    assert "method own-ru added" in said


def test_a_further_language_is_a_method_more(tmp_path):
    before = validate(five(("methods/own", OWN | {"for_each": ["de"]})))
    for path in Plan(before).all_perplexity("tiny"):
        write_json(tmp_path / path.removeprefix("<results>/"), {})
    write_json(tmp_path / "grid.json", table_grids.whole_grid(before))
    found = news(validate(five(("methods/own", OWN))), tmp_path)
    assert found.added == {"models": [], "seeds": [], "methods": ["own-ru"], "languages": []}
    assert found.changed == []


@pytest.mark.parametrize(
    ("method", "parts"),
    [
        (OWN | {"calibration": ["de"]}, ["methods.own.for_each: goes with {language} in "]),
        (OWN | {"calibration": {"sample": 2}}, ["methods.own.for_each: goes with {language} in"]),
        ({"score": "wanda", "for_each": ["de"]}, ["methods.own.for_each: goes with {language} in"]),
        (wanda(["{language}"]), ["methods.own.calibration: found '{language}', which goes with"]),
        (OWN | {"for_each": ["deu"]}, ["methods.own.for_each: unknown language 'deu'", "'de'?"]),
        (OWN | {"for_each": ["sw"]}, ["methods.own.for_each: unknown language 'sw'", "are de, en"]),
        (OWN | {"for_each": []}, ["methods.own.for_each: is empty"]),
        (OWN | {"for_each": ["de", "de"]}, ["methods.own.for_each: found ['de', 'de']", "once"]),
        (
            OWN | {"calibration": ["{language}", "de"]},
            ["methods.own.calibration: has de twice for the language de"],
        ),
        (
            OWN | {"allocation": {"kind": "owl"}, "choose": {"allocation.strength": [0.1, 0.2]}},
            ["methods.own.choose: does not go with for_each"],
        ),
        (OWN | {"pattern": "2:4"}, ["methods.own: has the pattern 2:4, so its name must hold 2-4"]),
        ({"score": "magnitude", "for_each": ["de"]}, ["methods.own: unknown key 'for_each'"]),
    ],
)
def test_what_does_not_fit_is_refused(method, parts):
    said = message(five(("methods/own", method)))
    assert all(part in said for part in parts), said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("baseline", "own")], "baseline: found own, which has for_each"),
        ([("methods/own-de", wanda())], "methods.own.for_each: makes the method own-de, which is "),
        (
            [("methods/own-x", wanda()), ("evaluation/perplexity/languages", ["en", "ru", "tr"])],
            "methods.own.for_each: the perplexity of de is not measured: allowed are en, ru, tr",
        ),
        ([("methods/dense", OWN)], "methods.dense: the name dense is reserved"),
        (
            [("methods/" + "o" * 98, OWN)],
            f"methods.{'o' * 98}.for_each: makes the name {'o' * 98}-de, allowed are 100 ",
        ),
        (
            [("methods/wanda/label", "Own, de"), ("methods/own/label", "Own")],
            "methods.own-de.label: found 'Own, de', which another method is called",
        ),
        (
            [("evaluation/downstream", CLOZE | {"tasks": {"x_own_language": TASK}})],
            "evaluation.downstream.tasks.x_own_language: evaluate_x_own_language is another rule",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_rest_is_refused(changes, said):
    assert message(five(("methods/own", OWN), *changes)).startswith(said)
