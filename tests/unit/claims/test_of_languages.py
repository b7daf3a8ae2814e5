"""Claims about languages as a sample: estimates by hand, verdicts, and what is not measured."""

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from multiprune.experiment.grid import Grid
from multiprune.files.json import read_json, write_json
from multiprune.files.tables import write_table
from unit.claims.languages_data import (
    FAMILIES,
    LANGUAGES,
    POOL,
    RATIO,
    WEAKNESS,
    claim_of,
    grid_of,
    judged,
    structure_path,
    write_records,
)
from unit.columns import COLUMNS

# Ratios ------------------------------------------------------------------------------------------

WHOLE = [0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4]
# Beyond the whole pool: 0.1, 0.3 and so on; in the mean of both draws 0.2 in every language.
DRAWS = {
    "few-s0": [0.2, 0.5, 0.4, 0.7, 0.2, 0.5, 0.4, 0.7],
    "few-s1": [0.4, 0.3, 0.6, 0.5, 0.4, 0.3, 0.6, 0.5],
}
BOTH = RATIO | {"method": ["few-s0", "few-s1"]}


@pytest.fixture
def drawn(tmp_path) -> Path:
    write_records(tmp_path, grid_of(), {"whole": WHOLE, **DRAWS})
    return tmp_path


@pytest.mark.parametrize(
    ("direction", "threshold", "verdict", "holding"),
    [
        ("above", 1.0, "points for", 8),
        ("above", 1.2, "points for", 8),  # log 0.18
        ("above", 1.3, "points against", 0),  # log 0.26
        ("below", 1.3, "points for", 8),
        ("below", 1.0, "points against", 0),
    ],
)
def test_a_ratio_over_draws_and_languages_by_hand(drawn, direction, threshold, verdict, holding):
    row = judged(drawn, claim_of(drawn, BOTH, direction=direction, threshold=threshold))
    assert row["estimate"] == pytest.approx(math.exp(0.2))
    assert row["ci_low"] <= row["estimate"] <= row["ci_high"]
    assert (row["verdict"], row["languages"], row["languages_hold"]) == (verdict, 8, holding)
    assert row["reason"] == "8 languages as a sample"
    assert row["measurement"] == "perplexity ratio: few-s* / whole"


def test_a_threshold_within_the_interval_is_undecided(drawn):
    few = judged(drawn, claim_of(drawn, direction="below", threshold=1.2))
    # The first draw alone: 0.1, 0.3, 0.1, 0.3 and again; t interval of eight, mean 0.2.
    assert few["estimate"] == pytest.approx(math.exp(0.2))
    values = np.array([0.1, 0.3] * 4)
    low, high = stats.t.interval(0.95, 7, 0.2, stats.sem(values))
    assert np.log([few["ci_low"], few["ci_high"]]) == pytest.approx([low, high], abs=0.02)
    assert (few["verdict"], few["languages_hold"]) == ("undecided", 4)


def test_draws_that_differ_widen_the_interval(tmp_path):
    """Two draws of means 0.1 and 0.3: t with one degree of freedom, 12.7 times 0.1."""
    write_records(tmp_path, grid_of(), {"few-s0": [0.1] * 8, "few-s1": [0.3] * 8})
    row = judged(tmp_path, claim_of(tmp_path, BOTH, direction="above"))
    assert np.log([row["ci_low"], row["ci_high"]]) == pytest.approx(
        [0.2 - 1.2706, 0.2 + 1.2706], 1e-3
    )
    assert row["verdict"] == "undecided"
    alone = judged(tmp_path, claim_of(tmp_path, direction="above"))
    assert alone["ci_low"] == pytest.approx(math.exp(0.1))
    assert alone["verdict"] == "points for"


def test_as_many_methods_as_references_are_compared_one_by_one(tmp_path):
    methods = ("few-s0", "few-s1", "m-few-s0", "m-few-s1", "whole")
    grid = grid_of(methods)
    more = {"few-s0": [0.5] * 8, "few-s1": [0.9] * 8, "m-few-s0": [0.4] * 8, "m-few-s1": [0.8] * 8}
    write_records(tmp_path, grid, more)
    paired = {"method": ["m-few-s0", "m-few-s1"], "reference": ["few-s0", "few-s1"]}
    row = judged(tmp_path, claim_of(tmp_path, RATIO | paired), grid)
    # 0.1 better in each pair: nothing varies.
    assert row[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx([math.exp(-0.1)] * 3)
    assert row["verdict"] == "points for"
    # One against each of several: -0.1 and -0.5.
    crossed = {"method": "m-few-s0", "reference": ["few-s0", "few-s1"]}
    row = judged(tmp_path, claim_of(tmp_path, RATIO | crossed), grid)
    assert row["estimate"] == pytest.approx(math.exp((-0.1 - 0.5) / 2))
    assert row["ci_high"] - row["ci_low"] > 0.3


def test_seeds_are_draws_as_well(tmp_path):
    grid = grid_of(seeds=(0, 3))
    write_records(tmp_path, grid, {"few-s0": [0.2] * 8})
    for name in LANGUAGES:
        path = tmp_path / f"m/seed3/perplexity/few-s0/0.5/{name}.json"
        content = read_json(path)
        more = 0.2 * np.array(content["window_tokens"])
        write_json(path, content | {"window_nll": (content["window_nll"] + more).tolist()})
    row = judged(tmp_path, claim_of(tmp_path, direction="above"), grid)
    assert row["estimate"] == pytest.approx(math.exp(0.3))
    assert row["ci_low"] < math.exp(0.2)


@pytest.mark.parametrize(
    ("languages", "count", "estimate"),
    [
        ("all", 8, (0.1 + 0.2 + 0.3 + 0.4) / 4),
        ("unseen-family", 3, (0.2 + 0.3 + 0.4) / 3),
        ("calibration", 4, 0.25),
        ("unseen", 4, 0.25),
    ],
)
def test_a_scope_takes_the_languages_of_its_set(tmp_path, languages, count, estimate):
    """Roles as the method has them, which calibrates on the whole pool."""
    write_records(tmp_path, grid_of(), {"whole": WHOLE})
    scope = {"languages": languages, "sparsity": 0.5}
    claim = claim_of(tmp_path, RATIO | {"method": "whole", "reference": "dense"}, scope=scope)
    row = judged(tmp_path, claim)
    assert (row["languages"], row["estimate"]) == (count, pytest.approx(math.exp(estimate)))


def test_of_several_draws_calibration_languages_are_those_of_the_pool(drawn):
    """Each draw takes others of them."""
    scope = {"languages": "calibration", "sparsity": 0.5}
    row = judged(drawn, claim_of(drawn, BOTH, direction="above", scope=scope))
    assert row["languages"] == 4
    unseen = {"languages": "unseen", "sparsity": 0.5}
    assert judged(drawn, claim_of(drawn, BOTH, scope=unseen))["languages"] == 4


# Weakness ----------------------------------------------------------------------------------------


def weakness(folder: Path, ratios: list[float], **changes) -> pd.Series:
    """The row of a claim; the dense model is the weaker the later a language stands."""
    write_records(folder, grid_of(), {"whole": ratios})
    options = {"threshold": 0, "direction": "above"} | changes
    return judged(folder, claim_of(folder, WEAKNESS, **options))


def test_ratios_that_grow_with_weakness_have_a_rank_correlation_of_one(tmp_path):
    row = weakness(tmp_path, [0.1, 0.2, 0.3, 0.5, 0.9, 1.7, 3.3, 6.5])
    assert row[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx([1, 1, 1])
    assert (row["verdict"], row["reason"]) == ("points for", "8 languages as a sample")
    assert pd.isna(row["languages_hold"])


def test_ratios_that_fall_with_weakness_are_to_the_contrary(tmp_path):
    row = weakness(tmp_path, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    assert row["estimate"] == pytest.approx(-1)
    assert row["verdict"] == "points against"


def test_ratios_that_do_not_go_with_weakness_are_inconclusive(tmp_path):
    # Ranks 4 7 2 6 3 1 8 5 less 1 to 8: squares 9 25 1 4 4 25 1 9 are 78; 1 - 6 * 78 / (8 * 63).
    row = weakness(tmp_path, [0.4, 0.7, 0.2, 0.6, 0.3, 0.1, 0.8, 0.5])
    assert row["estimate"] == pytest.approx(1 - 6 * 78 / 504)
    assert row["ci_low"] < 0 < row["ci_high"]
    assert row["verdict"] == "undecided"


def test_one_exchange_of_neighbours_leaves_the_correlation_strong(tmp_path):
    row = weakness(tmp_path, [0.1, 0.2, 0.3, 0.4, 0.6, 0.5, 0.7, 0.8])
    assert row["estimate"] == pytest.approx(1 - 6 * 2 / 504)
    assert 0 < row["ci_low"] < row["estimate"] <= row["ci_high"] <= 1
    assert row["verdict"] == "points for"


def test_a_correlation_is_the_same_in_every_run(tmp_path):
    ratios = [0.3, 0.1, 0.4, 0.2, 0.6, 0.5, 0.8, 0.7]
    pd.testing.assert_series_equal(weakness(tmp_path, ratios), weakness(tmp_path, ratios))


def test_three_languages_have_an_interval_however_often_one_is_drawn_thrice(tmp_path):
    scope = {"languages": "unseen-family", "sparsity": 0.5}
    row = weakness(tmp_path, [0, 0, 0, 0, 0, 0.2, 0.3, 0.1], scope=scope)
    assert row["estimate"] == pytest.approx(-0.5)
    assert -1 <= row["ci_low"] <= row["ci_high"] <= 1
    assert row["verdict"] == "undecided"


def test_languages_that_all_lose_alike_have_no_correlation(tmp_path):
    row = weakness(tmp_path, [0.0] * 8)
    assert (row["verdict"], row["reason"]) == (
        "not measured",
        "the languages do not differ, so that nothing correlates",
    )


# Families ----------------------------------------------------------------------------------------

ALIKE = {
    ("aa", "bb"): 0.9, ("cc", "dd"): 0.5,
    ("aa", "cc"): 0.1, ("aa", "dd"): 0.2, ("bb", "cc"): 0.3, ("bb", "dd"): 0.4,
}  # fmt: skip


def write_structure(results: Path, alike: dict = ALIKE, seeds=(0,)) -> None:
    """The depths but `all` say something else, which is not asked for."""
    rows = [
        ["m", seed, depth, *pair, value + seed / 10 if depth == "all" else -value]
        for seed in seeds
        for depth in ("all", "early", "middle")
        for pair, value in alike.items()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS["structure"])
    write_table(structure_path(results), table)


def families(results: Path, grid: Grid | None = None, **changes) -> pd.Series:
    options = {"threshold": 0, "direction": "above", "scope": {}} | changes
    return judged(results, claim_of(results, FAMILIES, **options), grid)


def test_alikeness_within_less_that_between_families_by_hand(tmp_path):
    write_structure(tmp_path)
    row = families(tmp_path)
    assert row["estimate"] == pytest.approx((0.9 + 0.5) / 2 - (0.1 + 0.2 + 0.3 + 0.4) / 4)
    assert row["ci_low"] <= row["estimate"] <= row["ci_high"]
    assert row["measurement"] == "correlation difference: within - between families"
    assert row["scope"] == "calibration languages, dense model"
    assert row["reason"] == "4 languages as a sample"
    assert pd.isna(row["languages_hold"])


def test_seeds_count_with_their_mean(tmp_path):
    write_structure(tmp_path, seeds=(0, 4))
    assert families(tmp_path)["estimate"] == pytest.approx(0.45)  # 0.2 more everywhere


def test_families_that_are_alike_and_apart_without_exception(tmp_path):
    """Whatever languages are drawn, two of one family correlate by 0.8 and others by 0.2."""
    kin = {("aa", "bb"), ("cc", "dd")}
    write_structure(tmp_path, {pair: 0.8 if pair in kin else 0.2 for pair in ALIKE})
    row = families(tmp_path)
    assert row[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx([0.6] * 3)
    assert row["verdict"] == "points for"
    assert families(tmp_path, threshold=0.7)["verdict"] == "points against"
    assert families(tmp_path, direction="below")["verdict"] == "points against"


def test_families_that_are_no_more_alike_than_others_are_inconclusive(tmp_path):
    draw = np.random.default_rng(2)
    names = [f"l{number:02}" for number in range(12)]
    languages = {
        name: {"role": "calibration", "family": "ine" if number % 2 else "trk"}
        for number, name in enumerate(names)
    }
    write_structure(tmp_path, {pair: draw.normal(0.5, 0.1) for pair in combinations(names, 2)})
    row = families(tmp_path, grid_of(languages=languages | {"uu": LANGUAGES["uu"]}))
    assert row["verdict"] == "undecided"
    assert row["ci_low"] < 0 < row["ci_high"]


def test_languages_of_no_known_family_are_left_out(tmp_path):
    languages = LANGUAGES | {"dd": {"role": "calibration"}, "ee": {"role": "calibration"}}
    write_structure(tmp_path, ALIKE | {("dd", "ee"): 0.0, ("aa", "ee"): 0.7})
    row = families(tmp_path, grid_of(languages=languages))
    assert row["estimate"] == pytest.approx(0.9 - (0.1 + 0.3) / 2)
    assert row["reason"] == "3 languages as a sample"


# What is not measured ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measurement", "changes", "reason"),
    [
        (RATIO | {"method": "none"}, {}, "method none is not in the config"),
        (RATIO | {"method": ["few-s0", "few-s7"]}, {}, "method few-s7 is not in the config"),
        (BOTH | {"reference": "none"}, {}, "method none is not in the config"),
        (RATIO, {"scope": {"sparsity": 0.7}}, "the config has no sparsity 0.7 of few-s0"),
        (
            RATIO,
            {"scope": {"languages": "unseen-language", "sparsity": 0.5}},
            "fewer than three languages: uu",
        ),
        (WEAKNESS | {"method": "none"}, {"threshold": 0}, "method none is not in the config"),
        (
            WEAKNESS,
            {"threshold": 0, "scope": {"languages": "unseen-language", "sparsity": 0.5}},
            "fewer than three languages: uu",
        ),
        (
            FAMILIES,
            {"threshold": 0, "scope": {}},
            "the table structure is not made; name language_structure in figures",
        ),
    ],
)
def test_what_is_not_there_is_not_measured_with_the_reason(drawn, measurement, changes, reason):
    row = judged(drawn, claim_of(drawn, measurement, **changes))
    assert (row["verdict"], row["reason"]) == ("not measured", reason)
    assert row[["estimate", "ci_low", "ci_high", "languages"]].isna().all()


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (["ine"] * 4, "it needs two families, one of them with two languages"),
        (["ine", "trk", "urj", "nic"], "it needs two families, one of them with two languages"),
        (["ine", "ine", None, None], "fewer than three languages: aa, bb"),
        ([None] * 4, "fewer than three languages: none"),
    ],
)
def test_families_that_cannot_be_compared_say_why(tmp_path, own, reason):
    write_structure(tmp_path)
    languages = {
        name: {"role": "calibration"} | ({"family": family} if family else {})
        for name, family in zip(POOL, own, strict=True)
    }
    row = families(tmp_path, grid_of(languages=languages))
    assert (row["verdict"], row["reason"]) == ("not measured", reason)
