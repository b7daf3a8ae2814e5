"""Captions of the figures of many languages say what the tables hold, gain or not."""

import numpy as np
import pytest

from multiprune.figures import (
    choice_of_languages,
    language_structure,
    languages_needed,
    ratio_against_dense,
    ratio_by_family,
    scaling_cost,
)
from unit.figures.every import FIGURES
from unit.figures.languages_data import (
    cost_of,
    grid_of,
    many,
    perplexity_of,
    scaling_of,
    structure_of,
    tables_of,
)
from unit.figures.test_captions import rendered

NAMES = [name for name, figure in FIGURES.items() if not figure.STANDARD]


def said(figure, grid, **changes) -> str:
    return figure.caption(tables_of(grid) | changes, grid, "m").replace("\\", "")


def test_growth_of_each_curve_in_each_set():
    text = said(languages_needed, grid_of())
    assert "nested random subsets of 1, 2 (2 of each size)" in text
    assert (
        "wanda. Languages of the pool: 3.000 [2.940, 3.060] with 1, 2.250 [2.205, 2.295] with 4, "
        "lower; no smaller number stays within 1% of all; worst language 6.000 (French), then "
        "4.500 (French)." in text
    )
    assert "Unseen languages, other families: 3.900" in text
    assert "languages of the pool (n = 4)" in text
    assert "95% intervals over languages and draws" in text


def test_a_curve_that_helps_and_one_that_does_not():
    grid = grid_of()
    text = said(languages_needed, grid)
    assert "lower in 9, higher in 0 and not distinguishable in 0 of 9 points" in text
    table = scaling_of(grid)
    wide = table.assign(ci_low=table["ci_low"] * 0.9, ci_high=table["ci_high"] * 1.1)
    text = said(languages_needed, grid, scaling=wide)
    assert "lower in 0, higher in 0 and not distinguishable in 9 of 9 points" in text
    assert "(on average 0.950 times)" in text


def test_the_number_from_which_on_more_languages_add_little():
    grid = grid_of(many(60), curves=("wanda",))
    table = scaling_of(grid)
    table.loc[table["size"] > 4, "ratio_to_dense"] = 2.0
    text = said(languages_needed, grid, scaling=table)
    assert "at most 1% above all from random subsets of 8 on" in text
    table.loc[table["size"] == 16, "ratio_to_dense"] = 2.1  # not yet
    text = said(languages_needed, grid, scaling=table)
    assert "at most 1% above all from random subsets of 32 on" in text


def test_missing_intervals_are_not_taken_for_equality():
    grid = grid_of()
    table = scaling_of(grid).assign(ci_low=np.nan, ci_high=np.nan)
    text = said(languages_needed, grid, scaling=table)
    assert "wanda. Languages of the pool: 3.000 with 1, 2.250 with 4, no intervals" in text
    assert "not distinguishable in 0 of 9 points (on average 0.950 times, 9 without" in text


def test_rules_are_compared_with_random_subsets_of_the_same_size():
    text = said(choice_of_languages, grid_of())
    assert "each next one is farthest, by its activation statistics, from those taken" in text
    assert (
        "wanda, greedy against random subsets of the same size: languages of the pool, lower in "
        "2, higher in 0 and not distinguishable in 0 of 2 sizes (on average 0.960 times), worst "
        "language better than with any draw in 0, worse in 0" in text
    )
    assert (
        "wanda, largest against random subsets of the same size: languages of the pool, lower in "
        "0, higher in 0 and not distinguishable in 2 of 2 sizes (on average 1.020 times)" in text
    )


def test_groups_and_the_paired_comparison_of_methods():
    grid = grid_of(many(60))
    text = said(ratio_by_family, grid)
    assert "wanda by family: from Family" in text
    assert "m-wanda loses less" in text
    table = perplexity_of(grid)
    wanda = table[table["method"] == "wanda"].set_index("language")["ratio_to_dense"]
    other = table["method"] == "m-wanda"
    same = table["language"].map(wanda)
    text = said(
        ratio_by_family, grid,
        perplexity=table.assign(ratio_to_dense=table["ratio_to_dense"].where(~other, same)),
    )  # fmt: skip
    assert "languages: 1.000, the interval includes 1, so that the two cannot be told" in text
    text = said(
        ratio_by_family, grid,
        perplexity=table.assign(ratio_to_dense=table["ratio_to_dense"].where(~other, 2 * same)),
    )  # fmt: skip
    assert "m-wanda loses more; lower in 0 languages" in text


def test_a_relation_is_called_one_only_where_the_interval_excludes_zero():
    grid = grid_of(many(60))
    text = said(ratio_against_dense, grid)
    assert "which excludes 0: languages that the dense model predicts badly lose more" in text
    table = perplexity_of(grid)
    flat = table.assign(bits_per_byte=np.random.default_rng(5).permutation(len(table)))
    text = said(ratio_against_dense, grid, perplexity=flat)
    assert "which includes 0: no relation can be told" in text
    names = list(grid.languages)[:4]
    text = said(ratio_against_dense, grid, perplexity=table[table["language"].isin(names)])
    assert "wanda: no rank correlation below 5 languages." in text


def test_structure_names_its_extremes_and_compares_families():
    grid = grid_of()
    table = structure_of(grid, seeds=(0, 1))
    text = said(language_structure, grid, structure=table)
    means = table[table["depth"] == "all"].groupby(["language_a", "language_b"])["correlation"]
    means = means.mean()
    assert f"Mean correlation of the 6 pairs {means.mean():.3f}" in text
    assert f"least alike are Arabic and English ({means['ar', 'en']:.3f})" in text
    within = means[[("de", "en"), ("de", "fr"), ("en", "fr")]].mean()
    across = means[[("ar", "de"), ("ar", "en"), ("ar", "fr")]].mean()
    assert f"{within:.3f} and {across:.3f} (all)" in text
    assert "Mean of 2 calibration draws." in text


def test_families_are_left_out_where_none_is_known():
    grid = grid_of({name: {"role": "calibration"} for name in "abcd"})
    assert "within a family" not in said(language_structure, grid)


def test_cost_states_slopes_and_medians():
    grid = grid_of()
    text = said(scaling_cost, grid)
    assert "Time of statistics: statistics of 4 languages 40.00 s, 10.00 s for each" in text
    assert "Time of a mask: a mask 5.100 s with 1 and 5.400 s with 4 languages" in text
    assert "Disk: statistics of 4 languages 8.000 MB, 2.000 MB for each" in text
    text = said(scaling_cost, grid, scaling_cost=cost_of(grid).assign(seconds=None))
    assert "Time" not in text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grid", [grid_of(), grid_of(many(30))], ids=["six", "thirty"])
def test_captions_are_valid_and_show_names_as_they_are(name, grid):
    page = rendered(FIGURES[name].caption(tables_of(grid), grid, "model_with_*stars*_"))
    assert "model_with_*stars*_" in page
    assert "system-message" not in page
    assert "nan" not in page
