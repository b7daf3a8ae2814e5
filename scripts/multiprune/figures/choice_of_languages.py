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
from multiprune.figures.languages_needed import (
    ALL,
    MEASURES,
    band,
    outside_legend,
    prepare,
    sets_of,
    title_columns,
)

EMPTY = "There are no masks of calibration languages that were chosen, greedily or as the largest."
CHOSEN = (GREEDY, LARGEST)
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


def draw(tables: Mapping[str, pd.DataFrame], grid: Grid) -> Figure:
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
    outside_legend(figure, handles)
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
