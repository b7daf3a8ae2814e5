"""Files of claims about languages, and the experiment hundred with its own."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from multiprune.claims.definitions import OF_LANGUAGES
from multiprune.claims.reading import read_claims
from multiprune.errors import InputError
from multiprune.experiment import methods, table_grids
from multiprune.experiment.grid import UNSEEN_FAMILY, Grid
from multiprune.experiment.language_table import load_table
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.validation import validate
from unit.claims.languages_data import FAMILIES, RATIO, WEAKNESS, claim_of

CONFIG = Path(__file__).parents[3] / "config"

# Mistakes in a file of claims --------------------------------------------------------------------

KINDS = dict(zip(OF_LANGUAGES, (RATIO, WEAKNESS, FAMILIES), strict=True))


@pytest.mark.parametrize("kind", OF_LANGUAGES)
@pytest.mark.parametrize("each", ["language", "sparsity"])
def test_claims_of_languages_are_not_of_each(tmp_path, kind, each):
    with pytest.raises(InputError) as error:
        claim_of(tmp_path, KINDS[kind], each=each)
    assert str(error.value) == (
        f"{tmp_path}/claims.yaml: claims.it.each: found {each}, but {kind} is of all languages; "
        "remove it"
    )


WHERE = "claims.it.measurement"


@pytest.mark.parametrize(
    ("measurement", "changes", "message"),
    [
        (RATIO | {"method": []}, {}, f"{WHERE}.method: is empty, at least 1 needed"),
        (RATIO | {"reference": []}, {}, f"{WHERE}.reference: is empty, at least 1 needed"),
        (RATIO | {"method": ""}, {}, f"{WHERE}.method: is empty, at least 1 needed"),
        (RATIO | {"method": [""]}, {}, f"{WHERE}.method.0: is empty, at least 1 needed"),
        (
            RATIO | {"method": ["few-s0", "few-s0"]},
            {},
            f"{WHERE}.method: found ['few-s0', 'few-s0'], each entry may stand there once",
        ),
        (RATIO | {"method": {"a": 1}}, {}, f"{WHERE}.method: found {{'a': 1}}, allowed is a value"),
        ({"kind": "language_ratio", "method": "a"}, {}, f"{WHERE}: reference is missing"),
        (RATIO | {"tasks": ["a"]}, {}, f"{WHERE}: unknown key 'tasks': allowed are kind, method, "),
        (
            WEAKNESS | {"method": ["a", "b"]},
            {"threshold": 0},
            f"{WHERE}.method: found ['a', 'b'], allowed is a value of type string",
        ),
        (FAMILIES | {"method": "a"}, {}, f"{WHERE}: unknown key 'method': allowed are kind"),
        (
            RATIO | {"method": ["a", "b"], "reference": ["c", "d", "e"]},
            {},
            f"{WHERE}: 2 methods and 3 references cannot be paired; allowed are as many of each, ",
        ),
        (RATIO, {"scope": {}}, "claims.it.scope.sparsity: is missing, language_ratio is measured"),
        (WEAKNESS, {"scope": {}}, "claims.it.scope.sparsity: is missing, weakness_correlation is"),
        (RATIO, {"threshold": 0}, "claims.it.threshold: found 0, allowed is > 0 for a ratio"),
        (RATIO, {"scope": {"languages": "unseen-families"}}, "claims.it.scope.languages: unknown"),
        (
            RATIO | {"kind": "language_ratios"},
            {},
            f"{WHERE}.kind: unknown kind 'language_ratios': allowed are ",
        ),
        (
            {"kind": "perplexity_ratio", "method": ["a", "b"], "reference": "c"},
            {},
            f"{WHERE}.method: found ['a', 'b'], allowed is a value of type string",
        ),
    ],
)
def test_a_mistake_in_a_claim_is_one_line_with_the_file(tmp_path, measurement, changes, message):
    with pytest.raises(InputError) as error:
        claim_of(tmp_path, measurement, **changes)
    assert str(error.value).startswith(f"{tmp_path}/claims.yaml: {message}")
    assert "\n" not in str(error.value)


# The experiment -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hundred() -> Experiment:
    text = (CONFIG / "hundred.yaml").read_text(encoding="utf-8")
    return validate(yaml.safe_load(text))


def test_a_hundred_languages_of_many_families_and_scripts(hundred):
    pool = [hundred.languages[code] for code in methods.languages(hundred, "calibration")]
    assert len(pool) >= 100
    assert len({entry.family for entry in pool}) >= 20
    assert len({entry.script for entry in pool}) >= 10
    known = {entry.text: entry for entry in load_table()}
    for code, entry in hundred.languages.items():
        assert known[entry.text].language == code
        assert known[entry.text].preferred


def test_its_unseen_languages_are_of_other_families_and_of_the_same(hundred):
    grid = Grid.of(table_grids.table_grid(hundred))
    sets = [grid.language_set(code) for code in methods.languages(hundred, "unseen")]
    assert sets.count(UNSEEN_FAMILY) >= 20
    assert sets.count("unseen-language") >= 3  # fewer have no interval
    families = {
        role: {hundred.languages[code].family for code in methods.languages(hundred, role)}
        for role in ("calibration", "unseen")
    }
    outside = families["unseen"] - families["calibration"]
    assert None not in families["unseen"] | families["calibration"]
    counted = sum(
        hundred.languages[code].family in outside for code in methods.languages(hundred, "unseen")
    )
    assert counted == sets.count(UNSEEN_FAMILY)


def test_its_claims_speak_of_methods_figures_and_scopes_that_it_has(hundred):
    claims = read_claims(CONFIG / hundred.claims)
    assert {claim.kind for claim in claims} == set(OF_LANGUAGES)
    assert {claim.paper for claim in claims} == {"none"}
    methods = {name for claim in claims for name in (*claim.methods, *claim.references)} - {""}
    assert methods <= {"dense", *hundred.methods}
    sparsities = {claim.sparsity for claim in claims} - {""}
    assert sparsities <= {f"{value:g}" for value in hundred.sparsities}
    assert "language_structure" in hundred.figures  # of which family_alikeness is read
    assert len({claim.key for claim in claims}) == len(claims)


def test_its_curves_have_three_nested_draws_of_each_size(hundred):
    grid = table_grids.table_grid(hundred)["methods"]
    drawn = {}
    for method, settings in grid.items():
        subset = settings["subset"]
        if subset and subset["choice"] == "random":
            assert method == f"{settings['curve']}-{subset['size']}-s{subset['seed']}"
            drawn.setdefault((settings["curve"], subset["seed"]), {})[subset["size"]] = set(
                settings["calibration"]
            )
    assert {seed for _curve, seed in drawn} == {0, 1, 2}
    for (curve, _seed), samples in drawn.items():
        assert sorted(samples) == {"wanda": [1, 2, 4, 8, 16, 32], "m-wanda": [2, 8, 32]}[curve]
        assert all(samples[few] <= samples[more] for few, more in pairwise(sorted(samples)))
    # Both curves take the same languages.
    for seed in (0, 1, 2):
        assert drawn["m-wanda", seed].items() <= drawn["wanda", seed].items()
