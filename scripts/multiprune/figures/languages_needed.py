"""How many calibration languages a method needs: random subsets of growing size, then all."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from multiprune.experiment.grid import Grid
from multiprune.experiment.subsets import RANDOM
from multiprune.figures import language_groups, style
from multiprune.figures.language_groups import one_sparsity
from multiprune.figures.size_panels import (
    ALL,
    MEASURES,
    SEPARATE,
    band,
    counts,
    evaluated_sets,
    intervals,
    prepare,
    separate,
    set_name,
    sets_of,
    title_columns,
)
from multiprune.figures.wording import Tables, document, number, sentence, span, with_interval

TABLES = ("scaling",)
STANDARD = False
TITLE = "How many calibration languages"
PLACE = 40
EMPTY = "There are no masks of random subsets of the calibration languages."
NEAR = 1.01  # a ratio within this factor of that of all languages counts as reached
CHANGE = {-1: "lower", 0: "not distinguishable", 1: "higher", None: "no intervals"}
MARKS = {RANDOM: {"markersize": 3}, ALL: {"markersize": 7, "fillstyle": "none"}}


def select(scaling: pd.DataFrame) -> pd.DataFrame:
    """Rows of random subsets and of all languages, at one sparsity, of curves with subsets."""
    rows = scaling[scaling["choice"].isin([RANDOM, ALL]) & scaling["ratio_to_dense"].notna()]
    rows = one_sparsity(rows)
    subsets = rows.loc[rows["choice"] == RANDOM, "curve"]
    return rows[rows["curve"].isin(subsets)].sort_values(["curve", "language_set", "size"])


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: scaling of one model."""
    rows = select(tables["scaling"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    sets = sets_of(rows)
    figure = style.new_figure(max(2.6 * len(sets) + 0.8, 4.4), 2.2 * len(MEASURES) + 0.9)
    panels = figure.subplots(len(MEASURES), len(sets), squeeze=False, sharex=True, sharey="row")
    looks = style.curve_looks(style.method_order(rows["curve"], grid))
    for line, (label, columns) in zip(panels, MEASURES.items(), strict=True):
        prepare(line, rows, sets, label, columns)
        for axes, language_set in zip(line, sets, strict=True):
            here = rows[rows["language_set"] == language_set]
            for curve, look in looks.items():
                _curve(axes, here[here["curve"] == curve], columns, look)
    title_columns(panels[0], rows, sets)
    figure.supxlabel("Calibration languages", fontsize=9)
    _legend(figure, looks)
    return figure


def _curve(axes: Axes, rows: pd.DataFrame, columns: tuple, look: Mapping) -> None:
    rows = rows.sort_values(["size", "choice"], ascending=[True, False])  # all comes last
    band(axes, rows, columns, look["color"])
    axes.plot(rows["size"], rows[columns[0]], color=look["color"], linewidth=1.3)
    for choice, mark in MARKS.items():
        here = rows[rows["choice"] == choice]
        axes.plot(here["size"], here[columns[0]], linestyle="none", **look | mark)


def _legend(figure: Figure, looks: Mapping[str, dict]) -> None:
    handles = [
        Line2D([], [], linewidth=1.3, markersize=3, label=curve, **look)
        for curve, look in looks.items()
    ]
    grey = {"color": style.REFERENCE, "marker": "o", "linestyle": "none"}
    handles += [
        Line2D([], [], label="random subsets", **grey | MARKS[RANDOM]),
        Line2D([], [], label="all languages", **grey | MARKS[ALL]),
        Patch(color=style.REFERENCE, alpha=0.2, linewidth=0, label="interval, or range of worst"),
    ]
    style.outside_legend(figure, handles)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    rows = select(tables["scaling"])
    if rows.empty:
        return document(EMPTY)
    random = rows[rows["choice"] == RANDOM]
    sizes = ", ".join(map(str, sorted(random["size"].unique())))
    shown = (
        f"Perplexity relative to the dense model by the number of calibration languages, {model}, "
        f"sparsity {rows['sparsity'].iloc[0]:g}: nested random subsets of {sizes} "
        f"({span(random['draws'])} of each size), then all languages of the pool (open marks). "
        f"Top: geometric mean over the evaluated languages, band {intervals(grid)}. Bottom: "
        "the language that loses most, geometric mean over the draws, band from the least to the "
        "most of them. Both axes are logarithmic."
    )
    curves = style.method_order(rows["curve"], grid)
    findings = [_growth(rows[rows["curve"] == curve], curve, grid) for curve in curves]
    base = grid.baseline if grid.baseline in curves else curves[0]
    against = [_curves(rows, curve, base) for curve in curves if curve != base]
    compared = " ".join([*against, SEPARATE])
    return document(shown, *findings, compared, evaluated_sets(rows, grid))


def _growth(rows: pd.DataFrame, curve: str, grid: Grid) -> str:
    """Smallest and largest number of languages of one curve, and from where on more add little."""
    parts = []
    for name in sets_of(rows):
        line = rows[rows["language_set"] == name].sort_values("size").reset_index(drop=True)
        first, last = line.iloc[0], line.iloc[-1]
        parts.append(
            f"{set_name(name)}: {_ratio(first)} with {first['size']}, {_ratio(last)} with "
            f"{last['size']}, {CHANGE[separate(last, first)]}; {_reached(line)}; worst language "
            f"{number(first['worst_ratio'])} ({_name(first['worst_language'], grid)}), then "
            f"{number(last['worst_ratio'])} ({_name(last['worst_language'], grid)})"
        )
    return f"{curve}. {'. '.join(map(sentence, parts))}."


def _reached(line: pd.DataFrame) -> str:
    """From which number of languages on the ratio stays within a factor of that of all."""
    if line["choice"].iloc[-1] != ALL:
        return "all languages were not measured"
    whole = line["ratio_to_dense"].iloc[-1]
    far = line[line["ratio_to_dense"] > NEAR * whole]
    subsets = line[line["choice"] == RANDOM]
    after = subsets[subsets["size"] > far["size"].max()] if len(far) else subsets
    percent = f"{NEAR - 1:.0%}"
    if after.empty:
        return f"no smaller number stays within {percent} of all"
    return f"at most {percent} above all from random subsets of {after['size'].min()} on"


def _curves(rows: pd.DataFrame, curve: str, base: str) -> str:
    """How often a curve lies below or above another at the same number and set of languages."""
    keys = ["choice", "size", "language_set"]
    both = rows[rows["curve"] == curve].merge(rows[rows["curve"] == base], on=keys)
    return f"{curve} against {base} at the same number of languages: {counts(both, 'points')}."


def _name(language: object, grid: Grid) -> str:
    return language_groups.label(language, grid) if isinstance(language, str) else "unknown"


def _ratio(row: pd.Series) -> str:
    return with_interval(*row[["ratio_to_dense", "ci_low", "ci_high"]])
