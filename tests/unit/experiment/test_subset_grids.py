"""What tables are told of subsets, curves and families; reordering a config changes none of it."""

from multiprune.experiment import config as experiment
from multiprune.experiment import table_grids
from multiprune.experiment.config import canonical, grid, method_options, validate
from multiprune.experiment.table_grids import table_grid
from unit.experiment.data import five, language, wanda

M_WANDA = {"norm": {"kind": "cross_lingual"}, "allocation": {"kind": "cwl"}}
CURVES = {
    "methods/wanda-2-s1": wanda({"sample": 2, "seed": 1}),
    "methods/wanda-3": wanda({"sample": 3}),
    "methods/wanda-greedy-2": wanda({"greedy": 2}),
    "methods/wanda-largest-3": wanda({"largest": 3}),
    "methods/wanda-en": wanda(["en"]),
    "methods/wanda-equal": wanda(weighting="equal"),
    "methods/m-wanda-2": {"score": "wanda", **M_WANDA, "calibration": {"sample": 2}},
    "methods/ria-2": {"score": "ria", "calibration": {"sample": 2}},
}


def test_methods_that_differ_in_their_languages_alone_form_a_curve():
    methods = table_grid(validate(five(*CURVES.items())))["methods"]
    base = {"sparsities": ["0.5"], "subset": None, "curve": None}
    pool = ["de", "en", "kk", "ru", "tr"]

    def subset(choice: str, size: int, seed: int = 0) -> dict:
        return {"choice": choice, "size": size, "seed": seed}

    keys = ("sparsities", "calibration", "subset", "curve")
    assert {name: {key: entry[key] for key in keys} for name, entry in methods.items()} == {
        "dense": base | {"sparsities": ["0"], "calibration": []},
        "magnitude": base | {"calibration": []},
        "wanda": base | {"calibration": pool, "curve": "wanda"},
        "wanda-2-s1": base
        | {"calibration": ["kk", "ru"], "subset": subset("random", 2, 1), "curve": "wanda"},
        "wanda-3": base
        | {"calibration": ["de", "kk", "tr"], "subset": subset("random", 3), "curve": "wanda"},
        "wanda-greedy-2": base
        | {"calibration": pool, "subset": subset("greedy", 2), "curve": "wanda"},
        "wanda-largest-3": base
        | {"calibration": ["de", "en", "ru"], "subset": subset("largest", 3), "curve": "wanda"},
        "wanda-en": base | {"calibration": ["en"]},  # a list is no choice
        "wanda-equal": base | {"calibration": pool, "curve": "wanda-equal"},
        # Nothing takes all languages with these options.
        "m-wanda-2": base | {"calibration": ["de", "kk"], "subset": subset("random", 2)},
        "ria-2": base | {"calibration": ["de", "kk"], "subset": subset("random", 2)},
    }


def test_a_curve_has_the_first_name_of_several_and_sparsities_of_its_own():
    config = validate(
        five(
            ("methods/all", {**wanda(), "sparsities": [0.3]}),
            ("methods/wanda-2", wanda({"sample": 2})),
        )
    )
    methods = table_grid(config)["methods"]
    assert {name: methods[name].get("curve") for name in ("all", "wanda", "wanda-2")} == {
        "all": "all", "wanda": "all", "wanda-2": "all",
    }  # fmt: skip


def test_subsets_by_speakers_are_of_the_curve_of_the_whole_pool():
    speakers = {"norm": {"kind": "pooled", "weighting": "speakers"}}
    config = validate(
        five(
            ("methods/weighed", {"score": "wanda", **speakers}),
            ("methods/weighed-2", {"score": "wanda", **speakers, "calibration": {"sample": 2}}),
        )
    )
    methods = table_grid(config)["methods"]
    assert {methods[name]["curve"] for name in ("weighed", "weighed-2")} == {"weighed"}


def test_new_families_are_those_that_no_calibration_language_has():
    languages = table_grid(validate(five()))["languages"]
    assert languages["fr"] == {
        "role": "unseen", "name": "fr", "script": "Latn", "family": "ine",
        "script_name": "Latin", "family_name": "Indo-European", "new_family": False,
        "evaluated": True,
    }  # fmt: skip
    assert "family" not in languages["xx"]
    assert [code for code, entry in languages.items() if entry["new_family"]] == ["sw"]
    # A pool that has the family, in a language that is not even evaluated.
    pool = [("languages/zu", language(family="nic")), ("evaluation/perplexity/languages", ["sw"])]
    assert not table_grid(validate(five(*pool)))["languages"]["sw"]["new_family"]


def reordered(config: dict) -> dict:
    """The same config with all mappings and lists turned round."""

    def turned(value: object) -> object:
        if isinstance(value, dict):
            return {key: turned(entry) for key, entry in reversed(value.items())}
        return [turned(entry) for entry in reversed(value)] if isinstance(value, list) else value

    return turned(config)


def test_reordering_the_config_and_its_seeds_changes_no_grid_and_no_option():
    given = five(
        *CURVES.items(),
        ("seeds", [3, 0, 11]),
        ("methods/shares", wanda(weighting="shares", shares={"en": 3, "de": 2})),
        ("methods/speakers", wanda(weighting="speakers")),
        ("evaluation/perplexity/languages", ["sw", "de", "fr"]),
    )
    expected, found = validate(given), validate(reordered(given))
    assert list(found["languages"]) != list(expected["languages"])
    assert grid(found) == grid(expected)
    views = ("table_grid", "downstream_grid", "allocation_grid", "correlation_grid")
    for view in (getattr(table_grids, name) for name in views):
        assert canonical(view(found)) == canonical(view(expected))
    for method in given["methods"]:
        assert canonical(method_options(found, method)) == canonical(
            method_options(expected, method)
        )
        assert experiment.calibration_sets(found, method) == experiment.calibration_sets(
            expected, method
        )


def test_seeds_of_the_experiment_do_not_move_a_sample():
    sets = [
        experiment.calibration_sets(validate(five(("seeds", seeds), *CURVES.items())), "wanda-3")
        for seeds in ([0], [5, 7])
    ]
    assert sets[0] == sets[1] == ["de", "kk", "tr"]
