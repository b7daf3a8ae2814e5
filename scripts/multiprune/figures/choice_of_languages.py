"""Whether chosen calibration languages do better than random ones: greedy, largest, random."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import Grid
from multiprune.experiment.subsets import GREEDY, LARGEST, RANDOM
from multiprune.figures import style
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
    set_name,
    sets_of,
    title_columns,
)
from multiprune.figures.wording import Tables, document

TABLES = ("scaling",)
STANDARD = False
TITLE = "Which calibration languages"
PLACE = 42
EMPTY = "There are no masks of calibration languages that were chosen, greedily or as the largest."
CHOSEN = (GREEDY, LARGEST)
RULES = {
    GREEDY: "greedy: each next one is farthest, by its activation statistics, from those taken",
    LARGEST: "largest: those of most speakers",
}
LOOKS = {
    RANDOM: {"color": style.PALETTE[0], "marker": "o"},
    GREEDY: {"color": style.PALETTE[1], "marker": "s"},
    LARGEST: {"color": style.PALETTE[2], "marker": "^"},
    ALL: {"color": "black", "marker": "D"},
}
LABELS = {RANDOM: "random subsets", GREEDY: "greedy", LARGEST: "largest", ALL: "all languages"}
SHIFTS = {GREEDY: -0.012, LARGEST: 0.012}  # of the axis, so that error bars do not meet


def select(scaling: pd.DataFrame) -> pd.DataFrame:
    """Rows, at one sparsity, of the curves whose languages were also chosen by a rule."""
    rows = scaling[scaling["choice"].isin(LOOKS) & scaling["ratio_to_dense"].notna()]
    chosen = rows.loc[rows["choice"].isin(CHOSEN), "curve"]
    rows = one_sparsity(rows[rows["curve"].isin(chosen)])
    return rows.sort_values(["curve", "language_set", "choice", "size"])


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: scaling of one model."""
    rows = select(tables["scaling"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    curves, sets = style.method_order(rows["curve"], grid), sets_of(rows)
    lines = [(curve, label) for curve in curves for label in MEASURES]
    figure = style.new_figure(max(2.6 * len(sets) + 0.8, 4.4), 2.1 * len(lines) + 0.8)
    panels = figure.subplots(len(lines), len(sets), squeeze=False, sharex=True, sharey="row")
    for line, (curve, label) in zip(panels, lines, strict=True):
        mine = rows[rows["curve"] == curve]
        prepare(line, mine, sets, f"{curve}: {label.lower()}", MEASURES[label])
        for axes, language_set in zip(line, sets, strict=True):
            here = mine[mine["language_set"] == language_set]
            for choice, look in LOOKS.items():
                _line(axes, here[here["choice"] == choice], choice, MEASURES[label], look)
    title_columns(panels[0], rows, sets)
    figure.supxlabel("Calibration languages", fontsize=9)
    handles = [
        Line2D([], [], label=LABELS[choice], markersize=4, linewidth=1.3 * (choice != ALL), **look)
        for choice, look in LOOKS.items()
        if choice in set(rows["choice"])
    ]
    style.outside_legend(figure, handles)
    return figure


def _line(axes: Axes, rows: pd.DataFrame, choice: str, columns: tuple, look: Mapping) -> None:
    """Random subsets with a band; choices by a rule, and all languages, with error bars."""
    value, low, high = columns
    left, right = axes.get_xlim()
    at = rows["size"] * (right / left) ** SHIFTS.get(choice, 0)
    axes.plot(at, rows[value], linewidth=1.3, markersize=4 if choice != ALL else 5, **look)
    if choice == RANDOM:
        band(axes, rows, columns, look["color"])
    else:
        axes.vlines(at, rows[low], rows[high], color=look["color"], linewidth=1)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    rows = select(tables["scaling"])
    if rows.empty:
        return document(EMPTY)
    rules = [rule for rule in CHOSEN if rule in set(rows["choice"])]
    shown = (
        f"Calibration languages chosen by a rule ({'; '.join(RULES[rule] for rule in rules)}) "
        f"against random subsets, {model}, sparsity {rows['sparsity'].iloc[0]:g}. Perplexity "
        f"relative to the dense model; bands and bars of geometric means are "
        f"{intervals(grid)}, those of the worst language the range over the draws. Both axes are "
        "logarithmic."
    )
    findings = [
        _rule(rows[rows["curve"] == curve], curve, rule)
        for curve in style.method_order(rows["curve"], grid)
        for rule in rules
    ]
    return document(shown, *findings, SEPARATE, evaluated_sets(rows, grid))


def _rule(rows: pd.DataFrame, curve: str, rule: str) -> str:
    """How often languages chosen by a rule do better than random ones, in each set."""
    parts = []
    for name in sets_of(rows):
        here = rows[rows["language_set"] == name]
        mine, random = (here[here["choice"] == choice] for choice in (rule, RANDOM))
        both = mine.merge(random, on="size")
        if len(both):
            below = int((both["worst_ratio_x"] < both["worst_low_y"]).sum())
            above = int((both["worst_ratio_x"] > both["worst_high_y"]).sum())
            parts.append(
                f"{set_name(name)}, {counts(both, 'sizes')}, worst language better than with any "
                f"draw in {below}, worse in {above}"
            )
    compared = "; ".join(parts) or "no size has both"
    return f"{curve}, {rule} against random subsets of the same size: {compared}."
