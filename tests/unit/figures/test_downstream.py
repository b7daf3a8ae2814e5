"""What the downstream figures draw, read back from the artists, and what their captions say."""

from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from matplotlib.colors import to_hex

from multiprune.evaluation.consistency import chance_consistency
from multiprune.figures import (
    consistency_rankc,
    downstream_by_language,
    language_panels,
    perplexity_against_accuracy,
    style,
)
from multiprune.files.tables import read_table, write_table
from multiprune.tables import consistency, downstream
from unit.columns import COLUMNS
from unit.figures.every import FIGURES
from unit.tables.downstream_data import grid_of, perplexity_table, record_of, runs_of, write_record
from unit.tables.downstream_data import write_plausible as write

NAMES = ("downstream_by_language", "consistency_rankc", "perplexity_against_accuracy")
TASKS = {
    "belebele": {"languages": ["en", "fr", "sw"], "missing": {}},
    "xwinograd": {"languages": ["en", "fr"], "missing": {"sw": "xwinograd has no Swahili"}},
}


def tables_of(folder, grid) -> dict[str, pd.DataFrame]:
    """Tables as a figure reads them, from their files."""
    made = {"downstream": downstream, "consistency": consistency}
    tables = {name: module.tabulate(folder, "m", grid) for name, module in made.items()}
    for name, table in tables.items():
        write_table(folder / f"{name}.csv", table)
        tables[name] = read_table(folder / f"{name}.csv", COLUMNS[name])
    return tables | {"perplexity": perplexity_table(grid)}


@pytest.fixture(scope="module")
def plausible(tmp_path_factory):
    """Two tasks, three languages, three pruned methods, 40 items."""
    grid = grid_of(TASKS, ["wanda", "owl", "magnitude"], draws=100)
    folder = tmp_path_factory.mktemp("plausible")
    write(folder, grid, 40)
    return grid, tables_of(folder, grid)


def texts(figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def titles(figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def marks(axes, colour) -> list[tuple[float, float]]:
    """Places of the marks in one colour."""
    return [
        (float(x), float(y))
        for line in axes.lines
        if line.get_linestyle() == "None" and to_hex(line.get_color()) == colour
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def segments(axes, colour) -> list[list[float]]:
    """Vertical ends of the lines that were drawn in one colour by vlines or hlines."""
    return [
        sorted(float(y) for _, y in segment)
        for collection in axes.collections
        if hasattr(collection, "get_segments") and to_hex(collection.get_color()[0]) == colour
        for segment in collection.get_segments()
    ]


def test_accuracy_marks_levels_and_chance(plausible):
    grid, tables = plausible
    figure = downstream_by_language.draw(tables, grid)
    assert titles(figure) == ["belebele (acc_norm)", "xwinograd (acc_norm)"]
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "English", "French", "Swahili",
    ]  # fmt: skip
    table = tables["downstream"].query("task == 'belebele' and metric == 'acc_norm'")
    owl = table[table["method"] == "owl"].set_index("language")
    drawn = sorted(marks(axes, style.method_colours(grid)["owl"]))
    np.testing.assert_allclose([y for _, y in drawn], owl["score"][["en", "fr", "sw"]])
    assert [round(x) for x, _ in drawn] == [0, 1, 2]
    ends = segments(axes, style.method_colours(grid)["owl"])
    half = 1.959964 * owl.loc["fr", "stderr"]
    np.testing.assert_allclose(np.diff(ends[1]), 2 * half, rtol=1e-5)
    dense = table[table["method"] == "dense"].set_index("language")["score"]
    np.testing.assert_allclose(
        [level for level, _ in segments(axes, "#000000")], dense[["en", "fr", "sw"]]
    )
    dotted = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert dotted == [0.25]
    assert axes.get_ylim()[0] < 0.25
    assert "Sparsity 0.5" in texts(figure)


def test_methods_stand_side_by_side_within_a_languages_place(plausible):
    grid, tables = plausible
    axes = downstream_by_language.draw(tables, grid).axes[0]
    colours = style.method_colours(grid)
    places = [marks(axes, colours[method])[0][0] for method in ("magnitude", "wanda", "owl")]
    assert places == sorted(places)
    assert -0.5 < places[0] < places[2] < 0.5
    assert len({to_hex(line.get_color()) for line in axes.lines} & set(colours.values())) == 3


def test_one_metric_for_each_task_and_lambada_without_chance(tmp_path):
    grid = grid_of({"lambada": ["en"], "xnli": ["en"]}, ["wanda"])
    for run in runs_of(grid):
        write_record(tmp_path, run, "xnli", "en", record_of({"acc": [1, 0, 1]}, chance=1 / 3))
        content = record_of({"acc": [1, 1, 0]}, chance=None)
        content["metrics"]["perplexity"] = {"score": 30.0, "stderr": 1.0}
        write_record(tmp_path, run, "lambada", "en", content)
    rows = downstream_by_language.select(downstream.tabulate(tmp_path, "m", grid), 0.95)
    assert rows["metric"].unique().tolist() == ["acc"]
    assert rows[rows["task"] == "lambada"]["chance"].isna().all()
    assert rows["high"].max() <= 1


def test_seeds_are_averaged_and_do_not_narrow_the_interval(tmp_path):
    grid = grid_of({"xnli": ["en"]}, ["wanda"], seeds=(0, 1))
    for run in runs_of(grid):
        marked = [1, 1, 0, 0] if run.seed == 0 else [1, 0, 0, 0]
        write_record(tmp_path, run, "xnli", "en", record_of({"acc": marked}))
    table = downstream.tabulate(tmp_path, "m", grid)
    row = downstream_by_language.select(table, 0.5).query("method == 'wanda'").iloc[0]
    errors = table.query("method == 'wanda'")["stderr"]
    assert row["value"] == pytest.approx((0.5 + 0.25) / 2)
    assert row["high"] - row["value"] == pytest.approx(0.674490 * errors.mean(), rel=1e-5)


def test_dense_is_repeated_at_every_sparsity():
    rows = pd.DataFrame(
        [("a", "dense", 0.0), ("a", "wanda", 0.3), ("a", "wanda", 0.5), ("b", "dense", 0.0)],
        columns=["task", "method", "sparsity"],
    )
    found = language_panels.with_dense(rows)
    dense = found[found["method"] == "dense"]
    assert sorted(zip(dense["task"], dense["sparsity"], strict=True)) == [
        ("a", 0.3), ("a", 0.5), ("b", 0.0),
    ]  # fmt: skip
    assert len(found) == 5


def test_rankc_has_the_chance_of_two_random_rankings(plausible):
    grid, tables = plausible
    figure = consistency_rankc.draw(tables, grid)
    assert titles(figure) == ["belebele"]  # the items of xwinograd differ by language
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["French", "Swahili"]
    dotted = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert dotted == [pytest.approx(chance_consistency(4))]
    owl = tables["consistency"].query("method == 'owl'").set_index("language")
    drawn = sorted(marks(axes, style.method_colours(grid)["owl"]))
    np.testing.assert_allclose([y for _, y in drawn], owl["rankc"][["fr", "sw"]])
    np.testing.assert_allclose(
        segments(axes, style.method_colours(grid)["owl"])[0], owl.loc["fr", ["ci_low", "ci_high"]]
    )
    assert "RankC with English" in texts(figure)


def test_trade_off_points_by_hand(tmp_path):
    grid = grid_of({"xnli": ["en"]}, ["wanda", "owl"], seeds=(0, 1))
    right = {"dense": [3], "wanda": [2, 1], "owl": [3, 4]}
    for run in runs_of(grid):
        count = right[run.method][run.seed]
        content = record_of({"acc": [1] * count + [0] * (4 - count)})
        write_record(tmp_path, run, "xnli", "en", content)
    tables = tables_of(tmp_path, grid)
    perplexity = tables["perplexity"]
    wanda = (perplexity["method"] == "wanda").to_numpy()
    perplexity.loc[wanda, "ratio_to_dense"] = [2.0, 8.0]
    points = perplexity_against_accuracy.select(tables["downstream"], perplexity)
    found = points.set_index("method")
    assert found.loc["wanda", "ratio"] == pytest.approx(4)  # geometric
    assert found.loc["wanda", "loss"] == pytest.approx(37.5)  # 25 and 50 points
    assert found.loc["owl", "loss"] == pytest.approx(-12.5)
    assert found.loc["owl", "loss_low"] < -12.5 < found.loc["owl", "loss_high"]
    figure = perplexity_against_accuracy.draw(tables, grid)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert marks(axes, style.method_colours(grid)["wanda"]) == [pytest.approx((4, 37.5))]
    assert [text.get_text() for text in axes.texts] == ["en", "en"]


def test_crowded_panels_have_means_and_no_bars(tmp_path):
    languages = ["en", "fr", "de", "es", "hi", "sw"]
    grid = grid_of({"xnli": languages}, ["wanda", "owl", "ria", "m-wanda"], (0,), ("0.3", "0.5"))
    write(tmp_path, grid, 8)
    tables = tables_of(tmp_path, grid)
    figure = perplexity_against_accuracy.draw(tables, grid)
    assert "mean of languages" in texts(figure)
    assert not figure.axes[0].texts
    assert not segments(figure.axes[0], style.method_colours(grid)["wanda"])
    points = perplexity_against_accuracy.select(tables["downstream"], tables["perplexity"])
    mean = points.query("method == 'owl' and sparsity == 0.3")["loss"].mean()
    heights = [y for _, y in marks(figure.axes[0], style.method_colours(grid)["owl"])]
    assert any(height == pytest.approx(mean) for height in heights)
    caption = FIGURES["perplexity_against_accuracy"].caption(tables, grid, "m")
    assert "large mark is a method's mean" in caption


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("tasks", "methods", "sparsities"),
    [
        ({"parallel_cloze": ["en", "fr", "ru"]}, ["wanda", "m-wanda", "kim-translation"], ["0.5"]),
        ({"xnli": ["en", "vi"]}, ["wanda"], ["0.3", "0.5"]),
        (
            {task: ["en", "ar", "bg", "de", "hi", "id", "pt", "vi", "zh"] for task in
             ("belebele", "global_mmlu", "xnli")},
            ["wanda", "owl", "ria", "magnitude", "wanda-en", "m-ria", "m-wanda", "kim-contrast"],
            ["0.5"],
        ),
    ],
    ids=["demo", "two sparsities", "many"],
)  # fmt: skip
def test_every_text_is_large_enough_and_inside(name, tasks, methods, sparsities, tmp_path):
    grid = grid_of(tasks, methods, (0,), sparsities, draws=30)
    write(tmp_path, grid, 6)
    with matplotlib.rc_context(style.SETTINGS):
        figure = FIGURES[name].draw(tables_of(tmp_path, grid), grid)
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
        labels = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert min(box.x0, box.y0) >= -0.02
    assert box.x1 <= figure.get_figwidth() + 0.02
    assert box.y1 <= figure.get_figheight() + 0.02
    assert min(text.get_fontsize() for text in figure.findobj(matplotlib.text.Text)) >= 8
    if figure.axes[0].get_xticklabels()[0].get_rotation() == 0:
        overlaps = [a.x1 > b.x0 for a, b in pairwise(labels)]
        assert not any(overlaps)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_show_is_said_in_words(name):
    grid = grid_of({"xnli": ["en"]}, ["wanda"], downstream={})
    tables = {table: pd.DataFrame(columns=columns) for table, columns in COLUMNS.items()}
    figure = FIGURES[name].draw(tables, grid)
    assert figure.axes == []
    assert texts(figure).strip() == FIGURES[name].caption(tables, grid, "m").strip()


def test_only_dense_was_evaluated(tmp_path):
    grid = grid_of({"xnli": ["en", "fr"]}, [])
    write(tmp_path, grid, 10)
    tables = tables_of(tmp_path, grid)
    figure = downstream_by_language.draw(tables, grid)
    assert titles(figure) == ["xnli (acc_norm)"]
    assert len(segments(figure.axes[0], "#000000")) == 2
    text = FIGURES["downstream_by_language"].caption(tables, grid, "m")
    assert "One calibration draw" in text
    assert perplexity_against_accuracy.draw(tables, grid).axes == []


def test_caption_counts_tests_after_correction(plausible):
    grid, tables = plausible
    table = tables["downstream"].copy()
    owl = table["method"].eq("owl") & table["metric"].eq("acc_norm")
    table.loc[owl, "p_holm"] = [0.01, 0.04, 0.2, 0.9, 0.03]
    table.loc[owl, "difference_to_baseline"] = [0.1, -0.1, 0.1, 0.1, 0.2]
    text = FIGURES["downstream_by_language"].caption(tables | {"downstream": table}, grid, "m")
    assert "owl against wanda: better in 2, worse in 1, not distinguishable in 2 of 5" in text
    assert "mean difference +8.0 points" in text
    assert "wanda against wanda" not in text
    assert "Languages that a task does not have: xwinograd: Swahili." in text
    assert "Items per task and language: 40. One calibration draw" in text


@pytest.mark.parametrize("name", NAMES)
def test_captions_say_whose_prompts_were_shortened(name, plausible):
    grid, tables = plausible
    table = tables["downstream"].copy()
    for task, language, count in (
        ("belebele", "fr", 40),
        ("belebele", "sw", 40),
        ("xwinograd", "fr", 7),
    ):
        hit = table["task"].eq(task) & table["language"].eq(language) & table["score"].notna()
        table.loc[hit, "note"] = f"the prompts of {count} of 40 items lost their beginning"
    text = FIGURES[name].caption(tables | {"downstream": table}, grid, "m")
    said = " ".join(text.split())
    assert (
        "Prompts longer than the model's positions: belebele: the prompts of 40 of 40 items lost "
        "their beginning (French, Swahili); xwinograd: the prompts of 7 of 40 items lost their "
        "beginning (French)." in said
    )
    if name == "downstream_by_language":
        assert "Languages that a task does not have: xwinograd: Swahili." in said
    assert "positions" not in FIGURES[name].caption(tables, grid, "m")


def test_caption_of_rankc_names_paired_differences(plausible):
    grid, tables = plausible
    table = tables["consistency"].copy()
    owl = table["method"] == "owl"
    table.loc[owl, ["baseline_ci_low", "baseline_ci_high"]] = [[0.01, 0.2], [-0.1, 0.1]]
    table.loc[table["method"] == "dense", "rankc"] = [0.5, 0.7]
    text = FIGURES["consistency_rankc"].caption(tables | {"consistency": table}, grid, "m")
    assert "owl more consistent in 1, less in 0 of 2 comparisons" in text
    assert "dense: belebele 0.600." in text


@pytest.mark.parametrize("name", NAMES)
def test_captions_are_valid_and_show_names_as_they_are(name, plausible):
    grid, tables = plausible
    text = FIGURES[name].caption(tables, grid, "model_with_*stars*_")
    settings = {"halt_level": 2, "report_level": 2}
    page = publish_parts(text, writer="html", settings_overrides=settings)["body"]
    assert "model_with_*stars*_" in page
    assert "nan" not in page
