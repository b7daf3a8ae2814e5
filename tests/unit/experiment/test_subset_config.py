"""Many languages in the config: choosing some, weighing them, and what the language table adds."""

from pathlib import Path

import pytest
from tiny import small_config

from multiprune.errors import InputError
from multiprune.experiment import methods, table_grids
from multiprune.experiment.grid import Grid
from multiprune.experiment.methods import grid, method_options
from multiprune.experiment.plan import Plan
from multiprune.experiment.subsets import GREEDY, LARGEST, RANDOM
from multiprune.experiment.table_grids import table_grid
from multiprune.experiment.validation import validate
from multiprune.files.json import canonical
from unit.experiment.data import FIVE, MISSING, UNSEEN, five, message, wanda

CONFIG = Path(__file__).parents[3] / "config"
CWL = {"score": "wanda", "allocation": {"kind": "cwl"}}
CROSS = {"score": "wanda", "norm": {"kind": "cross_lingual"}}


# Choosing languages ------------------------------------------------------------------------------


def test_each_way_of_choosing_languages():
    config = validate(
        five(
            ("methods/random", wanda({"sample": 2, "seed": 1})),
            ("methods/seedless", wanda({"sample": 2})),
            ("methods/greedy", wanda({"greedy": 2})),
            ("methods/largest", wanda({"largest": 3})),
            ("methods/listed", wanda(["ru", "de"])),
        )
    )
    sets = {name: methods.calibration_sets(config, name) for name in config.methods}
    # By sha256sum of `1 kk` and so on: kk 1230b5, ru 20cea0, en 4f2475; of `0 de`: de, kk, tr.
    assert sets["random"] == ["kk", "ru"]
    assert sets["seedless"] == ["de", "kk"]
    assert sets["greedy"] == sets["wanda"] == ["de", "en", "kk", "ru", "tr"]
    assert sets["largest"] == ["de", "en", "ru"]  # as many speak tr as de
    assert sets["listed"] == ["de", "ru"]
    sizes = {name: methods.chosen_size(config, name) for name in config.methods}
    assert sizes == dict.fromkeys(sets, None) | {"greedy": 2}
    assert methods.chosen_size(config, "dense") is None
    # All of them are of languages whose statistics the whole pool needs anyway.
    assert methods.all_calibration_sets(config) == ["de", "en", "kk", "ru", "tr"]


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        ({"sample": 4}, (RANDOM, 4)),
        ({"seed": 3, "sample": 4}, (RANDOM, 4)),
        ({"greedy": 2}, (GREEDY, 2)),
        ({"largest": 5}, (LARGEST, 5)),
        (["de", "en"], None),
        (None, None),
    ],
)
def test_how_a_method_chooses_its_languages(calibration, expected):
    config = validate(five(("methods/x", wanda(calibration))))
    assert methods.choice_of(config, "x") == expected
    assert methods.choice_of(config, "magnitude") is methods.choice_of(config, "dense") is None


def test_a_choice_has_the_jobs_of_a_list():
    config = validate(five(("seeds", [3, 1]), ("methods/x", wanda({"greedy": 2}))))
    assert [job for job in grid(config) if job[1] == "x"] == [(1, "x", "0.5"), (3, "x", "0.5")]


@pytest.mark.parametrize("calibration", [{"sample": 2}, {"greedy": 2}, {"largest": 2}, ["de"]])
def test_options_do_not_say_which_languages_are_taken(calibration):
    """What they are stands in the inputs of the job, so that only a changed mask runs again."""
    config = validate(five(("methods/x", wanda(calibration))))
    assert method_options(config, "x") == method_options(config, "wanda")


def test_a_seed_of_zero_and_whole_numbers_with_a_point_are_the_same_sample():
    found = [
        methods.calibration_sets(validate(five(("methods/x", wanda(choice)))), "x")
        for choice in ({"sample": 3}, {"sample": 3, "seed": 0}, {"seed": 0.0, "sample": 3.0})
    ]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    "method",
    [
        {**CWL, "calibration": {"sample": 2}},
        {**CROSS, "calibration": {"greedy": 2}},
        {"score": "wanda", "propagation": "sequential", "calibration": {"sample": 1}},
        {"score": "sparsegpt", "calibration": {"largest": 2}},
        {"score": "wanda", "calibration": {"sample": 5, "seed": 7}},
        {
            "score": "wanda",
            "allocation": {"kind": "owl"},
            "choose": {"allocation.strength": [0.04, 0.08]},
            "calibration": {"sample": 2},
        },
    ],
    ids=canonical,
)
def test_what_is_possible_is_allowed(method):
    config = validate(five(("methods/x", method)))
    assert validate(config.plain()) == config


WHERE, NORM = "methods.x.calibration", "methods.x.norm"
ONE_OF = f"{WHERE}: needs one of sample, greedy, largest, found"
AT_MOST = "allowed are at most 5, the number of languages with role calibration"
GREEDY = f"{WHERE}.greedy: is for dense propagation and given constants; leave out propagation and"
ALIKE = "methods.x: compares languages, so it needs at least 2 to calibrate on"
TOGETHER = f"{NORM}.shares: goes with weighting: shares, and that with it"
UNKNOWN = f"{NORM}.shares: unknown calibration set"
OWL = {
    "score": "wanda",
    "allocation": {"kind": "owl"},
    "choose": {"allocation.strength": [0.04, 0.08]},
}
ERRORS = [
    (f"{ONE_OF} sample and greedy", wanda({"greedy": 2, "sample": 2})),
    (f"{ONE_OF} greedy and largest", wanda({"greedy": 2, "largest": 2})),
    (f"{ONE_OF} none of them", wanda({"seed": 1})),
    (f"{WHERE}: is empty, at least 1 needed", wanda({})),
    (
        f"{WHERE}: unknown key 'sampel': allowed are greedy, largest, sample, seed; did you mean "
        "'sample'?",
        wanda({"sampel": 2}),
    ),
    (f"{WHERE}: found 2, allowed is a value of type array, object", wanda(2)),
    (f"{WHERE}.sample: found 0, allowed is an integer >= 1", wanda({"sample": 0})),
    (f"{WHERE}.sample: found 2.5, allowed is a value of type integer", wanda({"sample": 2.5})),
    (
        f"{WHERE}.greedy: found '2', allowed is a value of type integer; it is text, write 2",
        wanda({"greedy": "2"}),
    ),
    (f"{WHERE}.seed: found -1, allowed is an integer >= 0", wanda({"sample": 2, "seed": -1})),
    (
        f"{WHERE}.seed: goes with sample, found greedy; leave it out",
        wanda({"greedy": 2, "seed": 1}),
    ),
    (
        f"{WHERE}.seed: goes with sample, found largest; leave it out",
        wanda({"largest": 2, "seed": 0}),
    ),
    (f"{WHERE}.sample: found 6, {AT_MOST}", wanda({"sample": 6})),
    (f"{WHERE}.greedy: found 7, {AT_MOST}", wanda({"greedy": 7})),
    (f"{WHERE}.largest: found 8, {AT_MOST}", wanda({"largest": 8})),
    (GREEDY, {"score": "wanda", "propagation": "sequential", "calibration": {"greedy": 2}}),
    (GREEDY, {"score": "sparsegpt", "calibration": {"greedy": 2}}),
    (GREEDY, {**OWL, "calibration": {"greedy": 2}}),
    (ALIKE, {**CWL, "calibration": {"sample": 1}}),
    (ALIKE, {**CROSS, "calibration": {"greedy": 1}}),
    (ALIKE, {**CROSS, "calibration": {"largest": 1}}),
    (TOGETHER, wanda(weighting="shares")),
    (TOGETHER, wanda(shares={"en": 2})),
    (TOGETHER, wanda(weighting="equal", shares={"en": 2})),
    (TOGETHER, wanda(weighting="speakers", shares={"en": 2})),
    (
        f"{UNKNOWN} 'es': allowed are de, en, kk, ru, tr",
        wanda(weighting="shares", shares={"en": 2, "es": 1}),
    ),
    (
        f"{UNKNOWN} 'fr': allowed are de, en, kk, ru, tr",
        wanda(weighting="shares", shares={"fr": 2}),
    ),
    (
        f"{UNKNOWN} 'en': allowed are de, ru",
        wanda(["ru", "de"], weighting="shares", shares={"en": 2}),
    ),
    (
        f"{UNKNOWN} 'en': allowed are kk, ru",
        wanda({"sample": 2, "seed": 1}, weighting="shares", shares={"en": 2}),
    ),
    (f"{NORM}.shares: is empty, at least 1 needed", wanda(weighting="shares", shares={})),
    (
        f"{NORM}.shares.en: found 0.0, allowed is a number > 0",
        wanda(weighting="shares", shares={"en": 0}),
    ),
    (
        f"{NORM}.weighting: unknown value 'speaker': allowed are tokens, equal, speakers, shares; "
        "did you mean 'speakers'?",
        wanda(weighting="speaker"),
    ),
]


@pytest.mark.parametrize(("expected", "method"), ERRORS)
def test_mistakes_in_a_choice_or_a_weighting_are_one_line(expected, method):
    found = message(five(("methods/x", method)))
    assert "\n" not in found
    assert found.startswith(expected)


@pytest.mark.parametrize("speakers", [MISSING, 0])
@pytest.mark.parametrize(
    ("method", "where"),
    [
        (wanda({"largest": 2}), f"{WHERE}.largest"),
        (wanda(weighting="speakers"), "methods.x.norm.weighting"),
    ],
)
def test_speakers_that_are_missing_name_the_language(speakers, method, where):
    found = message(five(("methods/x", method), ("languages/ru/speakers", speakers)))
    assert found == f"{where}: languages.ru.speakers is missing; give their number"


def test_speakers_are_needed_only_of_languages_that_are_weighed():
    method = wanda(["de", "en"], weighting="speakers")
    config = validate(five(("methods/x", method), ("languages/ru/speakers", MISSING)))
    assert method_options(config, "x")["norm"] == {
        "kind": "pooled",
        "weighting": "shares",
        "shares": {"de": 90.0, "en": 1500.0},
    }


def test_weighting_by_speakers_is_weighting_by_these_shares():
    shares = {code: entry["speakers"] for code, entry in FIVE.items()}
    options = [
        canonical(method_options(validate(five(("methods/x", method))), "x"))
        for method in (wanda(weighting="speakers"), wanda(weighting="shares", shares=shares))
    ]
    assert options[0] == options[1]


# The other keys ----------------------------------------------------------------------------------

TEXT = "allowed is text that matches"
OTHER_ERRORS = [
    (
        "languages.de.script: unknown script 'Lant': allowed are those ",
        "languages/de/script",
        "Lant",
    ),
    (f"languages.de.script: found 'latn', {TEXT}", "languages/de/script", "latn"),
    (f"languages.de.family: found 'Uralic', {TEXT}", "languages/de/family", "Uralic"),
    ("languages.de.speakers: found -1, allowed is an integer >= 0", "languages/de/speakers", -1),
    (
        "evaluation.perplexity.languages: unknown language 'es': allowed are de, en, fr, kk, ru, ",
        "evaluation/perplexity/languages",
        ["de", "es"],
    ),
    ("evaluation.perplexity.languages: is empty", "evaluation/perplexity/languages", []),
    (
        "figures: unknown figure 'scaling_costs': allowed are choice_of_languages, claims_forest, ",
        "figures",
        ["claims_forest", "scaling_costs"],
    ),
    ("figures: is empty", "figures", []),
    (
        "figures: found ['scaling_cost', 'scaling_cost'], each entry may stand there once",
        "figures",
        ["scaling_cost", "scaling_cost"],
    ),
    (f"claims: found '../claims.yaml', {TEXT}", "claims", "../claims.yaml"),
    (f"claims: found 'claims.json', {TEXT}", "claims", "claims.json"),
    (
        "claims: config/claim.yaml: no such file: there are claims.yaml, claims_domains.yaml",
        "claims",
        "claim.yaml",
    ),
]


@pytest.mark.parametrize(("expected", "path", "value"), OTHER_ERRORS)
def test_mistakes_in_the_other_keys_are_one_line(expected, path, value):
    found = message(five((path, value)))
    assert "\n" not in found
    assert found.startswith(expected)


def test_a_misspelt_figure_is_answered_with_the_nearest():
    assert message(five(("figures", ["scaling_costs"]))).endswith("did you mean 'scaling_cost'?")


def test_without_claims_there_is_neither_their_table_nor_their_figure():
    config = validate(five(("claims", "none")))
    assert "claims" not in table_grids.tables(config)
    assert "claims_forest" not in table_grids.figures(config)
    assert Plan(config).all_verdicts() == []
    asked = validate(five(("claims", "none"), ("figures", ["claims_forest"])))
    with pytest.raises(InputError, match="shows the table claims, which needs claims"):
        table_grids.check_figures(asked)


def test_claims_are_those_of_the_papers_unless_the_config_names_others():
    assert validate(five()).claims == "claims.yaml"
    assert validate(five(("claims", "claims_hundred.yaml"))).claims == "claims_hundred.yaml"


def test_evaluation_may_be_restricted_to_some_languages():
    config = validate(five(("evaluation/perplexity/languages", ["sw", "de"])))
    assert methods.evaluated(config) == ["de", "sw"]
    described = table_grid(config)["languages"]
    measured = [code for code, entry in described.items() if entry.get("evaluated", True)]
    assert measured == ["de", "sw"]
    # The others keep what is said of them: figures of statistics and downstream tasks show them.
    assert described == {
        code: entry | ({} if code in measured else {"evaluated": False})
        for code, entry in table_grid(validate(five()))["languages"].items()
    }
    assert Grid.of(table_grid(config)).evaluated == ["de", "sw"]
    # What is calibrated on stays as it was.
    assert methods.calibration_sets(config, "wanda") == ["de", "en", "kk", "ru", "tr"]
    assert methods.evaluated(validate(five())) == sorted(FIVE | UNSEEN)


def test_figures_of_many_languages_are_drawn_where_they_are_asked_for():
    config = validate(five(("figures", ["scaling_cost", "languages_needed", "claims_forest"])))
    assert table_grids.figures(config) == ["claims_forest", "languages_needed", "scaling_cost"]
    always = {"claims", "perplexity", "summary", "allocation"}
    assert set(table_grids.tables(config)) == always | {"scaling", "scaling_cost"}
    plain = validate(five())
    assert set(table_grids.figures(plain)) == {
        "claims_forest", "cross_lingual_correlation", "feature_overlap", "increase_by_language",
        "method_comparison", "perplexity_by_language", "ratio_to_baseline", "sparsity_by_block",
    }  # fmt: skip
    assert set(table_grids.tables(plain)) == always | {"correlation", "overlap"}


def test_any_figure_can_be_asked_for_by_its_path():
    config = validate(five(("figures", ["claims_forest"])))
    possible = table_grids.possible_figures(config)
    assert {"claims_forest", "languages_needed"} <= set(possible)
    assert not {"sweep_of_constants", "downstream_by_language"} & set(possible)
    assert "scaling" in table_grids.possible_tables(config)
    assert "sweep" not in table_grids.possible_tables(config)


def test_a_table_has_the_grid_of_what_it_reads():
    config = validate(five())
    views = {
        "perplexity": table_grids.table_grid,
        "claims": lambda config: {
            **table_grids.downstream_grid(config),
            **table_grids.facts_grid(config),
        },
        "scaling_cost": table_grids.allocation_grid,  # masks decide, statistics add nothing
        "structure": table_grids.correlation_grid,
        "overlap": table_grids.overlap_grid,
    }
    for table, view in views.items():
        assert table_grids.grid_of_table(config, table) == view(config)
    assert table_grids.overlap_grid(config)["calibration_sets"] == sorted(FIVE)


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        ("sweep_of_constants", "the table sweep, which needs a method with choose"),
        ("consistency_rankc", "the table consistency, which needs evaluation.downstream"),
    ],
)
def test_figures_that_would_show_nothing_are_refused(figure, line):
    table_grids.check_figures(validate(five()))
    with pytest.raises(InputError) as error:
        table_grids.check_figures(validate(five(("figures", ["languages_needed", figure]))))
    assert str(error.value) == f"figures: {figure} shows {line}"


# What was there before ---------------------------------------------------------------------------


def test_methods_without_a_choice_have_the_options_and_the_grid_that_they_had():
    """A further key would run every mask again; these are written out from before."""
    config = validate(five(("methods/listed", wanda(["ru", "de"]))))
    assert canonical(method_options(config, "wanda")) == (
        '{"allocation":{"kind":"uniform"},"norm":{"kind":"pooled","weighting":"tokens"},'
        '"pattern":"unstructured","propagation":"dense","scope":"row","score":"wanda"}'
    )
    assert canonical(method_options(config, "magnitude")) == (
        '{"allocation":{"kind":"uniform"},"pattern":"unstructured","scope":"row",'
        '"score":"magnitude"}'
    )
    assert table_grid(config)["methods"]["listed"]["calibration"] == ["de", "ru"]


def test_languages_without_a_script_or_a_family_are_described_as_they_were():
    known = {"new_family": False, "evaluated": True}
    assert table_grid(validate(small_config()))["languages"] == {
        "de": {"role": "calibration", "name": "de"} | known,
        "en": {"role": "calibration", "name": "en"} | known,
        "sw": {"role": "unseen", "name": "sw"} | known,
    }
