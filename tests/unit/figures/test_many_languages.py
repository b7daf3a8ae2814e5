"""What the figures of many languages draw, read back from the artists."""

from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Annotation, Text
from scipy import stats

from multiprune.figures import (
    choice_of_languages,
    language_groups,
    language_structure,
    languages_needed,
    ratio_against_dense,
    ratio_by_family,
    scaling_cost,
    size_panels,
    style,
)
from unit.columns import COLUMNS
from unit.figures.every import FIGURES
from unit.figures.languages_data import (
    SIX,
    cost_of,
    grid_of,
    language,
    many,
    perplexity_of,
    scaling_of,
    structure_of,
    tables_of,
)

NAMES = (
    "languages_needed", "choice_of_languages", "ratio_by_family", "ratio_against_dense",
    "language_structure", "scaling_cost",
)  # fmt: skip


def drawn(name: str, grid, **changes):
    with matplotlib.rc_context(style.SETTINGS):
        figure = FIGURES[name].draw(tables_of(grid) | changes, grid)
        figure.draw_without_rendering()
    return figure


def lines_of(axes: Axes, colour: str) -> list:
    return [line for line in axes.lines if to_hex(line.get_color()) == colour]


def titles(figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_curves_end_at_all_languages_and_have_a_panel_a_set():
    figure = drawn("languages_needed", grid_of())
    assert titles(figure)[:3] == [
        "languages of the pool (n = 4)",
        "unseen languages,\nfamilies of the pool (n = 1)",
        "unseen languages,\nother families (n = 1)",
    ]
    wanda = lines_of(figure.axes[0], style.PALETTE[0])
    np.testing.assert_allclose(wanda[0].get_xdata(), [1, 2, 4])
    np.testing.assert_allclose(wanda[0].get_ydata(), [3, 2.5, 2.25])  # 2 (1 + 0.5 / size)
    random, whole = wanda[1:]
    assert (list(random.get_xdata()), list(whole.get_xdata())) == ([1, 2], [4])
    worst = lines_of(figure.axes[3], style.PALETTE[0])[0]
    np.testing.assert_allclose(worst.get_ydata(), [6, 5, 4.5])
    ticks = [label.get_text() for label in figure.axes[3].get_xticklabels()]
    assert sorted(ticks) == ["1", "2", "4"]


def test_curves_without_random_subsets_and_other_sparsities_are_not_shown():
    grid = grid_of()
    table = scaling_of(grid)
    alone = table[(table["curve"] == "wanda") & (table["choice"] == "all")]
    table = pd.concat([table, alone.assign(curve="wanda-equal"), alone.assign(sparsity=0.7)])
    rows = languages_needed.select(table)
    assert set(rows["curve"]) == {"wanda", "m-wanda"}
    assert set(rows["sparsity"]) == {0.5}
    assert set(rows["choice"]) == {"random", "all"}


def test_of_equally_many_rows_the_highest_sparsity_counts():
    rows = pd.DataFrame({"sparsity": [0.5, 0.5, 0.6, 0.6, 0.7]})
    assert set(language_groups.one_sparsity(rows)["sparsity"]) == {0.6}


def test_missing_intervals_leave_the_line_of_the_scaling():
    grid = grid_of()
    table = scaling_of(grid)
    table[["ci_low", "ci_high"]] = np.nan
    figure = drawn("languages_needed", grid, scaling=table)
    line = lines_of(figure.axes[0], style.PALETTE[0])[0]
    np.testing.assert_allclose(line.get_ydata(), [3, 2.5, 2.25])


def test_ticks_of_sizes_do_not_touch():
    axes = matplotlib.figure.Figure().subplots()
    size_panels.size_axis(axes, [1, 2, 4, 8, 16, 32, 64, 96, 100])
    assert sorted(axes.get_xticks()) == [1, 2, 4, 8, 16, 32, 64, 100]


def test_chosen_languages_stand_beside_random_ones():
    figure = drawn("choice_of_languages", grid_of())
    assert len(figure.axes) == 6  # mean and worst of wanda, which alone has chosen languages
    axes = figure.axes[0]
    greedy = lines_of(axes, style.PALETTE[1])[0]
    np.testing.assert_allclose(greedy.get_ydata(), [0.96 * 3, 0.96 * 2.5])
    assert (greedy.get_xdata() < [1, 2]).all()  # beside the random ones
    [whole] = lines_of(axes, "#000000")
    assert (whole.get_xdata()[0], whole.get_ydata()[0]) == (4, 2.25)
    bars = [bar for bar in axes.collections if to_hex(bar.get_edgecolor()[0]) == style.PALETTE[1]]
    ends = [segment[:, 1] for segment in bars[0].get_segments()]
    np.testing.assert_allclose(ends[0], [0.98 * 0.96 * 3, 1.02 * 0.96 * 3])


def test_groups_of_one_language_are_pooled_and_the_unknown_stay_apart():
    grid = grid_of(SIX | {"xx": {"role": "unseen"}, "yy": {"role": "unseen"}})
    rows = ratio_by_family.select(perplexity_of(grid), grid)
    groups = rows[rows["method"] == "wanda"].set_index("language")["family"]
    assert set(groups[["ar", "sw"]]) == {"other families"}
    assert set(groups[["de", "en", "fr", "ru"]]) == {"Indo-European"}
    assert set(groups[["xx", "yy"]]) == {"unknown"}
    means = ratio_by_family.group_means(rows, "family", grid)
    order = list(dict.fromkeys(means["group"]))
    assert order == ["Indo-European", "other families", "unknown"]


def test_group_means_are_geometric_with_an_interval_from_three_languages_on():
    grid = grid_of()
    table = perplexity_of(grid)
    rows = ratio_by_family.select(table, grid)
    means = ratio_by_family.group_means(rows, "family", grid).set_index(["method", "group"])
    wanda = table[table["method"] == "wanda"].set_index("language")["ratio_to_dense"]
    family = means.loc[("wanda", "Indo-European")]
    assert family["mean"] == pytest.approx(stats.gmean(wanda[["de", "en", "fr", "ru"]]))
    assert wanda[["de", "en", "fr", "ru"]].min() <= family["low"] < family["mean"] < family["high"]
    assert np.isnan(means.loc[("wanda", "other families"), "low"])


def test_families_stand_in_the_order_of_the_baselines_means():
    grid = grid_of(many(60))
    rows = ratio_by_family.select(perplexity_of(grid), grid)
    means = ratio_by_family.group_means(rows, "family", grid)
    base = means[(means["method"] == "wanda") & (means["group"] != "other families")]
    assert base["mean"].is_monotonic_increasing
    figure = drawn("ratio_by_family", grid)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    counts = base.set_index("group")["languages"]
    assert labels[: len(base)] == [f"{group} ({count})" for group, count in counts.items()]


def test_calibration_languages_have_filled_dots():
    grid = grid_of()
    figure = drawn("ratio_by_family", grid)
    fills = {
        line.get_fillstyle(): len(line.get_xdata())
        for line in figure.axes[0].lines
        if line.get_marker() == "o" and to_hex(line.get_color()) == style.PALETTE[0]
        and len(line.get_xdata()) == 3
    }  # fmt: skip
    assert fills == {"full": 3}  # de, en and fr; ru is unseen and stands alone
    assert [title.split(" (")[0] for title in titles(figure)] == ["by family", "by script"]


def test_only_the_baseline_where_there_is_no_variant_of_it():
    grid = grid_of(curves=("wanda",))
    assert set(ratio_by_family.select(perplexity_of(grid), grid)["method"]) == {"wanda"}
    assert len(drawn("ratio_against_dense", grid).axes) == 1


def test_a_dot_lies_at_its_languages_dense_bits_and_ratio():
    grid = grid_of()
    table = perplexity_of(grid)
    figure = drawn("ratio_against_dense", grid, perplexity=table)
    arabic = table[table["language"] == "ar"].set_index("method")
    points = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in figure.axes[0].lines
        if to_hex(line.get_color()) == style.PALETTE[1]  # Latin is more frequent
    ]
    expected = (arabic.loc["dense", "bits_per_byte"], arabic.loc["wanda", "ratio_to_dense"])
    assert points == [pytest.approx(expected)]


def test_rank_correlation_is_spearmans_and_repeats_itself():
    generator = np.random.default_rng(0)
    x = generator.normal(size=40)
    y = x + generator.normal(size=40)
    rho, low, high = ratio_against_dense.rank_correlation(x, y, grid_of())
    assert rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert 0 < low < rho < high < 1
    assert ratio_against_dense.rank_correlation(x, y, grid_of()) == (rho, low, high)


@pytest.mark.parametrize("x", [np.arange(4.0), np.ones(9)], ids=["few", "constant"])
def test_no_rank_correlation_of_few_or_constant_values(x):
    found = ratio_against_dense.rank_correlation(x, np.arange(float(len(x))), grid_of())
    assert np.isnan(found).all()


def test_names_of_dots_meet_neither_each_other_nor_dots():
    figure = drawn("ratio_against_dense", grid_of(many(120)))
    for axes in figure.axes:
        dots = axes.transData.transform(
            [(x, y) for line in axes.lines for x, y in zip(*line.get_data(), strict=True)]
        )
        notes = [text for text in axes.texts if isinstance(text, Annotation)]
        boxes = [Text.get_window_extent(note) for note in notes]
        assert len(boxes) >= 3
        for index, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:index])
            assert not np.all((dots > box.min) & (dots < box.max), axis=1).any()


def test_structure_averages_seeds_and_puts_families_side_by_side():
    grid = grid_of(many(40))
    table = structure_of(grid, seeds=(0, 1))
    matrices = language_structure.select(table)
    assert list(matrices) == ["all", "early", "middle", "late"]
    whole = matrices["all"]
    np.testing.assert_allclose(whole, whole.T)
    np.testing.assert_allclose(np.diag(whole), 1)
    pair = table[(table["depth"] == "all")].groupby(["language_a", "language_b"])["correlation"]
    for (a, b), value in pair.mean().head(5).items():
        assert whole.loc[a, b] == pytest.approx(value)
    families = [language_groups.family(name, grid) for name in whole]
    changes = sum(a != b for a, b in pairwise(families))
    assert changes < 1.5 * len(set(families))


def test_scaling_finds_places_in_a_plane_again():
    places = np.array([[0, 0], [0.5, 0], [0, 0.25], [-0.2, -0.1], [0.1, 0.3]])
    squared = np.square(places[:, None] - places).sum(axis=-1)
    found, share = language_structure.scaled(1 - squared / 2)
    assert share == pytest.approx(1)
    again = np.square(found[:, None] - found).sum(axis=-1)
    np.testing.assert_allclose(again, squared, atol=1e-12)
    assert (found[np.abs(found).argmax(axis=0), [0, 1]] > 0).all()


def test_a_turned_and_mirrored_map_is_turned_back():
    places = np.array([[0, 0], [0.5, 0], [0, 0.25], [-0.2, -0.1], [0.1, 0.3]])
    squared = np.square(places[:, None] - places).sum(axis=-1)
    matrix = pd.DataFrame(1 - squared / 2)
    stretched = pd.DataFrame(1 - squared)
    found = language_structure.maps({"all": matrix, "early": matrix, "late": stretched})
    assert list(found) == ["early", "late"]
    np.testing.assert_allclose(found["late"][0], np.sqrt(2) * found["early"][0], atol=1e-12)


def test_one_map_where_there_are_no_thirds():
    grid = grid_of()
    table = structure_of(grid, depths=("all",))
    assert list(language_structure.maps(language_structure.select(table))) == ["all"]
    drawn("language_structure", grid, structure=table)


def test_languages_that_were_not_evaluated_have_their_code_in_the_structure():
    grid = grid_of()
    table = structure_of(grid)
    del grid.languages["de"]
    figure = drawn("language_structure", grid, structure=table)
    labels = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert labels == {"Arabic", "de", "English", "French"}


def test_cost_by_curve_with_the_line_through_the_origin():
    grid = grid_of()
    panels = scaling_cost.select(cost_of(grid), grid)
    assert list(panels) == list(scaling_cost.PANELS)
    assert set(panels["time of a mask"]["curve"]) == {"wanda", "m-wanda"}
    assert scaling_cost.slope(panels["time of statistics"]) == pytest.approx(10)
    uneven = pd.DataFrame({"languages": [1, 2], "value": [1.0, 3.0]})
    assert scaling_cost.slope(uneven) == pytest.approx(7 / 5)
    figure = drawn("scaling_cost", grid)
    fit = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(fit[0].get_ydata(), [0, 40])


def test_costs_that_were_not_recorded_leave_out_their_panel():
    grid = grid_of()
    figure = drawn("scaling_cost", grid, scaling_cost=cost_of(grid).assign(memory_mb=np.nan))
    assert titles(figure) == ["time of statistics", "time of a mask", "disk"]


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_table_is_said_in_words(name):
    grid = grid_of()
    empty = {key: pd.DataFrame(columns=columns) for key, columns in COLUMNS.items()}
    figure = FIGURES[name].draw(empty, grid)
    assert figure.axes == []
    assert figure.texts[0].get_text() == FIGURES[name].caption(empty, grid, "m").strip()


@pytest.mark.parametrize(
    "entry", [{"role": "calibration"}, language()], ids=["unknown", "one family"]
)
def test_no_families_to_compare(entry):
    grid = grid_of({name: dict(entry) for name in SIX})
    figure = drawn("ratio_by_family", grid)
    assert figure.texts[0].get_text() == ratio_by_family.EMPTY


def test_one_size_and_choice_is_enough():
    grid = grid_of({name: SIX[name] for name in ("de", "en")}, curves=("wanda",))
    for module in (languages_needed, choice_of_languages):
        figure = module.draw({"scaling": scaling_of(grid)}, grid)
        assert len(figure.axes) == 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "grid", [grid_of(), grid_of(many(110), draws=50)], ids=["six languages", "110 languages"]
)
def test_everything_lies_inside(name, grid):
    figure = drawn(name, grid)
    assert len(figure.axes) >= 2
    box = figure.get_tightbbox()
    assert min(box.x0, box.y0) >= -0.02
    assert box.x1 <= figure.get_figwidth() + 0.02
    assert box.y1 <= figure.get_figheight() + 0.02
    smallest = min(text.get_fontsize() for text in figure.findobj(Text))
    assert smallest >= (6 if len(grid.languages) > 20 else 8)
