"""What the figures draw, read back from the artists."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from matplotlib.colors import to_hex
from patience import patience

from multiprune.experiment.grid import Grid
from multiprune.figures import (
    cross_lingual_correlation,
    matrices,
    method_comparison,
    perplexity_by_language,
    ratio_to_baseline,
    sparsity_by_block,
    style,
)
from multiprune.files.json import write_json
from multiprune.files.tables import write_table
from unit.columns import COLUMNS
from unit.figures.every import FIGURES

NAMES = {"en": "English", "fr": "French", "sw": "Swahili", "zh": "中文"}
SCRIPT = Path(__file__).parents[3] / "scripts" / "draw_figure.py"


def grid_of(languages=("en", "fr", "sw"), sparsities=("0.3", "0.5"), methods=None) -> Grid:
    calibration = [name for name in languages if name != "sw"]
    run = {"sparsities": list(sparsities), "seeds": [0], "calibration": calibration}
    known = {
        "magnitude": run | {"calibration": [], "allocation": "uniform"},
        "owl": run | {"allocation": "owl"},
        "wanda": run | {"allocation": "uniform"},
    }
    dense = {"sparsities": ["0"], "seeds": [0], "calibration": []}
    content = {
        "seeds": [0], "baseline": "wanda", "split": "test", "length": 64,
        "resampling": {"draws": 100, "confidence": 0.95},
        "languages": {
            name: {"role": "unseen" if name == "sw" else "calibration", "name": NAMES[name]}
            for name in languages
        },
        "methods": {name: known[name] for name in (methods or known)} | {"dense": dense},
    }  # fmt: skip
    return Grid.of(deepcopy(content))


RATIO = {"dense": 1.0, "wanda": 2.0, "owl": 1.9, "magnitude": 12.0}
LEVEL = {"en": 10.0, "fr": 20.0, "sw": 100.0, "zh": 30.0}


def runs(grid):
    for method, settings in grid.methods.items():
        for sparsity in settings["sparsities"]:
            ratio = RATIO[method] * (1 + float(sparsity) * (method != "dense"))
            to_baseline = RATIO[method] / RATIO["wanda"]
            if method == "dense" or "wanda" not in grid.methods:
                to_baseline = np.nan
            cells = [ratio, 0.95 * ratio, 1.05 * ratio]
            cells += [to_baseline, 0.99 * to_baseline, 1.01 * to_baseline]
            yield method, float(sparsity), cells


def tables_of(grid) -> dict[str, pd.DataFrame]:
    perplexity, summary, allocation, correlation = [], [], [], []
    for method, sparsity, cells in runs(grid):
        for language in grid.languages:
            level = LEVEL[language]
            key = ["m", 0, method, sparsity, language, grid.config_role(language), 64]
            perplexity.append([*key, level * cells[0], np.log2(level), *cells, 0.0, None])
            perplexity[-1].append(grid.calibrated_on(method, language))
        for language_set in sorted({grid.config_role(name) for name in grid.languages} | {"all"}):
            key = ["m", method, sparsity, language_set, len(grid.languages), 1, 50.0, 2.0]
            summary.append([*key, *cells, "sw", 3.0, None])
        if method != "dense":
            shift = 0.1 if method == "owl" else 0
            allocation += [
                ["m", 0, method, sparsity, block, 8, sparsity, sparsity + sign * shift, None]
                for block, sign in enumerate((-1, 0, 1))
            ]
    trained = sorted(name for name in grid.languages if grid.config_role(name) == "calibration")
    for a in trained:
        for b in trained[trained.index(a) + 1 :]:
            correlation += [
                ["m", 0, block, kind, a, b, 0.8 - 0.1 * block]
                for block in range(2)
                for kind in ("q_proj", "down_proj")
            ]
    rows = {
        "perplexity": perplexity,
        "summary": summary,
        "allocation": allocation,
        "correlation": correlation,
    }
    return {
        name: pd.DataFrame(rows.get(name, []), columns=columns) for name, columns in COLUMNS.items()
    }


def texts(figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def titles(figure) -> list[str]:
    return [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]


@pytest.fixture
def drawn():
    def draw(module, grid, **changes):
        return module.draw(tables_of(grid) | changes, grid)

    return draw


def test_colours_are_those_of_seaborn_but_yellow():
    blue_to_sky = sns.color_palette("colorblind", 10).as_hex()
    yellow = blue_to_sky[8]
    assert set(style.PALETTE) == {*blue_to_sky, "#000000"} - {yellow}


def test_perplexity_has_a_panel_a_method_and_a_line_a_language(drawn):
    figure = drawn(perplexity_by_language, grid_of())
    assert titles(figure) == ["magnitude", "wanda", "owl"]
    wanda = figure.axes[1]
    assert wanda.get_yscale() == "log"
    lines = {to_hex(line.get_color()): line for line in wanda.lines}
    assert len(lines) == 3
    english, swahili = lines[style.PALETTE[0]], lines[style.PALETTE[2]]
    np.testing.assert_allclose(english.get_xdata(), [0, 0.3, 0.5])
    np.testing.assert_allclose(english.get_ydata(), [10, 26, 30])  # 10 x 2 x (1 + sparsity)
    assert (english.get_linestyle(), swahili.get_linestyle()) == ("-", "--")
    assert "Swahili" in texts(figure)
    assert "Sparsity" in texts(figure)


def test_methods_with_one_sparsity_give_way_to_those_with_several(drawn):
    grid = grid_of()
    tables = tables_of(grid)
    table = tables["perplexity"]
    table = table[~((table["method"] == "owl") & (table["sparsity"] == 0.3))]
    assert set(perplexity_by_language.select(table, grid)["method"]) == {"wanda", "magnitude"}
    single = grid_of(sparsities=["0.5"])
    assert len(drawn(perplexity_by_language, single).axes) == 3


def test_comparison_draws_the_tables_intervals(drawn):
    figure = drawn(method_comparison, grid_of())
    assert len(figure.axes) == 4  # two sparsities, dense and baseline
    left, right = figure.axes[:2]
    assert [label.get_text() for label in left.get_yticklabels()] == ["owl", "wanda", "magnitude"]
    spans = {
        tuple(np.round(line.get_xdata(), 4)) for line in left.lines if len(line.get_xdata()) > 1
    }
    assert (round(0.95 * 2.6, 4), round(1.05 * 2.6, 4)) in spans  # wanda at sparsity 0.3
    low, high = right.get_xlim()
    assert low < 0.95 * 0.99
    assert high < 1.25  # magnitude, six times the baseline, is an arrow
    assert "6 times" in texts(figure)
    assert "3 calibration languages of the config 3 languages that no method saw" in texts(figure)


def test_an_interval_that_goes_on_beyond_the_axis_ends_in_an_arrow(drawn):
    grid = grid_of()
    summary = tables_of(grid)["summary"]
    columns = ["ratio_to_baseline", "baseline_ci_high"]
    summary.loc[summary["method"] == "owl", columns] = [1.2, 1.5]
    summary.loc[summary["method"] == "magnitude", columns] = [1.3, 9]  # too far to set the limits
    right = drawn(method_comparison, grid, summary=summary).axes[1]
    assert right.get_xlim()[1] < 2
    assert [line.get_marker() for line in right.lines].count(">") == 2  # of two roles
    assert "times" not in " ".join(text.get_text() for text in right.texts)


def test_comparison_without_baseline_or_unseen_languages(drawn):
    figure = drawn(method_comparison, grid_of(methods=["magnitude", "owl"]))
    assert len(figure.axes) == 2
    figure = drawn(method_comparison, grid_of(["en", "fr"]))
    assert "unseen languages" not in texts(figure)


def test_missing_intervals_leave_points(drawn):
    grid = grid_of()
    summary = tables_of(grid)["summary"]
    summary[["ci_low", "ci_high", "baseline_ci_low", "baseline_ci_high"]] = np.nan
    figure = drawn(method_comparison, grid, summary=summary)
    points = [line.get_xdata() for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(sorted(float(point[0]) for point in points), [2.47, 2.6, 15.6])


def test_heat_map_is_centred_and_clipped(drawn):
    figure = drawn(ratio_to_baseline, grid_of())
    image = figure.axes[0].images[0]
    assert image.norm.vmin == -image.norm.vmax
    assert image.norm.vmax == pytest.approx(-np.log2(0.95))  # owl sets the scale, not magnitude
    np.testing.assert_allclose(image.get_array(), [[np.log2(6), np.log2(0.95)]] * 3)
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == ["6.00", "0.95"] * 3
    assert all(text.get_fontweight() == "bold" for text in figure.axes[0].texts)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["English", "French", "Swahili"]


def test_heat_map_is_bold_only_where_the_interval_excludes_one(drawn):
    grid = grid_of()
    table = tables_of(grid)["perplexity"]
    table.loc[(table["method"] == "owl") & (table["language"] == "fr"), "baseline_ci_high"] = 1.01
    cells = ratio_to_baseline.select(table, grid).set_index(["method", "sparsity", "language"])
    assert not cells.loc[("owl", 0.5, "fr"), "clear"]
    assert cells.loc[("owl", 0.5, "en"), "clear"]


def test_a_ratio_that_is_not_one_is_not_printed_as_one(drawn):
    grid = grid_of()
    table = tables_of(grid)["perplexity"]
    table.loc[table["method"] == "owl", "ratio_to_baseline"] = [0.997, 1, 1.004, 0.97, 12, 1.0]
    cells = [
        text.get_text()
        for axes in drawn(ratio_to_baseline, grid, perplexity=table).axes[:2]
        for text in axes.texts
    ]
    assert cells == [
        "6.00",
        "0.997",
        "6.00",
        "1.00",
        "6.00",
        "1.004",
        "6.00",
        "0.97",
        "6.00",
        "12",
        "6.00",
        "1.00",
    ]


def test_colour_scale_when_all_ratios_are_far_or_all_are_one():
    assert ratio_to_baseline.colour_limit(np.array([3.0, 4.0])) == pytest.approx(np.log2(1.25))
    assert ratio_to_baseline.colour_limit(np.zeros(3)) == pytest.approx(np.log2(1.05))


def test_blocks_show_the_achieved_sparsity(drawn):
    figure = drawn(sparsity_by_block, grid_of())
    assert titles(figure) == ["sparsity 0.3", "sparsity 0.5"]
    steps = [patch.get_data() for patch in figure.axes[1].patches]
    np.testing.assert_allclose(steps[-1].values, [0.4, 0.5, 0.6])
    np.testing.assert_allclose(steps[-1].edges, [-0.5, 0.5, 1.5, 2.5])
    low, high = figure.axes[1].get_ylim()
    assert low < 0.4 < 0.6 < high
    assert [line.get_ydata()[0] for line in figure.axes[1].lines] == [0.5]


def test_methods_with_the_same_allocation_share_a_line():
    rows = pd.DataFrame(
        [
            (method, 0, sparsity, block, 0.4 + block / 10 + (method == "c") / 20)
            for method, sparsities in (("a", [0.5]), ("b", [0.3, 0.5]), ("c", [0.5]))
            for sparsity in sparsities
            for block in (0, 1)
        ],
        columns=["method", "seed", "sparsity", "block", "mean"],
    )
    labels = sparsity_by_block.merge_identical(rows, ["a", "b", "c"])
    assert labels == {"a": "a, b", "b": "a, b", "c": "c"}


def test_many_allocations_get_a_panel_each(drawn):
    grid = grid_of()
    grid.methods.update({f"owl-{index}": grid.methods["owl"] for index in range(5)})
    rows = tables_of(grid_of())["allocation"]
    rows = pd.concat(
        [
            rows[rows["method"] == "owl"].assign(
                method=f"owl-{index}", achieved=lambda table, index=index: table["achieved"] + index
            )
            for index in range(5)
        ]
    )
    figure = sparsity_by_block.draw({"allocation": rows}, grid)
    assert titles(figure) == [f"owl-{index}" for index in range(5)]
    assert len(figure.axes[0].lines) == 2


def test_correlation_lines_and_matrix(drawn):
    figure = drawn(cross_lingual_correlation, grid_of(["en", "fr", "zh"]))
    left, right = figure.axes[:2]
    assert len(left.lines) == 2
    np.testing.assert_allclose(left.lines[0].get_ydata(), [0.8, 0.7])
    values = right.images[0].get_array()
    assert np.isnan(np.diag(values.filled(np.nan))).all()
    np.testing.assert_allclose(values[0, 1:], 0.75)
    labels = {label.get_text() for label in right.get_yticklabels()}
    assert labels == {"English", "French", "zh"}  # no glyphs but Latin ones


def test_alike_languages_stand_side_by_side():
    rows = [("a", "b", 0.1), ("a", "c", 0.9), ("b", "c", 0.1), ("a", "d", 0.1), ("b", "d", 0.9)]
    rows.append(("c", "d", 0.1))
    table = pd.DataFrame(rows, columns=["language_a", "language_b", "correlation"])
    order = "".join(matrices.pair_matrix(table))
    assert {"".join(sorted(order[:2])), "".join(sorted(order[2:]))} == {"ac", "bd"}


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_to_show_is_said_in_words(name):
    grid = grid_of(["en"], methods=["wanda"])
    grid.methods.pop("wanda")
    figure = FIGURES[name].draw(tables_of(grid), grid)
    assert figure.axes == []
    assert texts(figure).strip() == FIGURES[name].caption(tables_of(grid), grid, "m").strip()


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    "grid",
    [grid_of(["en", "fr"], ["0.5"], ["wanda"]), grid_of(), grid_of(methods=["magnitude"])],
    ids=["one method", "three methods", "magnitude only"],
)
def test_every_text_is_large_enough_and_inside(name, grid):
    with matplotlib.rc_context(style.SETTINGS):
        figure = FIGURES[name].draw(tables_of(grid), grid)
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
    assert min(box.x0, box.y0) >= -0.02
    assert box.x1 <= figure.get_figwidth() + 0.02
    assert box.y1 <= figure.get_figheight() + 0.02
    assert min(text.get_fontsize() for text in figure.findobj(matplotlib.text.Text)) >= 8


@pytest.mark.parametrize("name", FIGURES)
def test_the_name_of_a_language_is_no_formula(name):
    grid = grid_of()
    grid.languages["fr"]["name"] = r"US$ \frac{ A$"
    with matplotlib.rc_context(style.SETTINGS):
        FIGURES[name].draw(tables_of(grid), grid).draw_without_rendering()


def test_methods_and_languages_have_a_stable_order():
    grid = grid_of()
    assert style.method_order(["owl", "wanda", "dense", "magnitude"], grid) == [
        "dense", "magnitude", "wanda", "owl",
    ]  # fmt: skip
    table = tables_of(grid)["perplexity"]
    assert style.language_order(table, grid) == ["en", "fr", "sw"]
    assert style.language_order(table.iloc[::-1], grid) == ["en", "fr", "sw"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.97, 1.03, [0.98, 1, 1.02]), (0.9, 60, [1, 3, 10, 30])],
)
def test_ticks_of_a_log_axis_are_round(low, high, ticks):
    np.testing.assert_allclose(style.log_ticks(low, high), ticks)


@pytest.mark.slow
def test_script_writes_the_same_bytes_twice(tmp_path):
    grid = grid_of()
    for name, table in tables_of(grid).items():
        write_table(tmp_path / f"{name}.csv", table)
    write_json(tmp_path / "grid.json", vars(grid))

    def draw(folder, name="ratio_to_baseline"):
        targets = [str(tmp_path / folder / f"f.{ending}") for ending in ("pdf", "png", "rst")]
        command = [sys.executable, SCRIPT, "--figure", name, "--model", "m", "--tables", tmp_path]
        command += ["--grid", tmp_path / "grid.json", "--pdf", targets[0], "--png", targets[1]]
        done = subprocess.run(
            [*command, "--caption", targets[2]],
            capture_output=True,
            text=True,
            timeout=patience(360),
        )
        return done, [Path(target) for target in targets]

    first, second = draw("one")[1], draw("two")[1]
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes()
    assert b"/Type /Font" in first[0].read_bytes()
    assert b"/Subtype /Type3" not in first[0].read_bytes()
    done, targets = draw("three", "ratio_to_base")
    assert done.returncode == 1
    assert "did you mean 'ratio_to_baseline'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(target.exists() for target in targets)
