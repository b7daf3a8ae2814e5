"""How many calibration languages a method needs: random subsets of growing size, then all."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from multiprune.experiment.grid import CALIBRATION, UNSEEN_FAMILY, UNSEEN_LANGUAGE, Grid
from multiprune.experiment.subsets import RANDOM
from multiprune.figures import style
from multiprune.figures.language_groups import one_sparsity, ratio_axis

EMPTY = "There are no masks of random subsets of the calibration languages."
ALL = "all"  # the choice of the point that takes the whole pool
SETS = {  # of evaluated languages, as the table calls them and as the figures do
    CALIBRATION: "languages of the pool",
    UNSEEN_LANGUAGE: "unseen languages,\nfamilies of the pool",
    UNSEEN_FAMILY: "unseen languages,\nother families",
}
MARKS = {RANDOM: {"markersize": 3}, ALL: {"markersize": 7, "fillstyle": "none"}}
MEASURES = {  # label: the ratio and the ends of its interval or range
    "Geometric mean": ("ratio_to_dense", "ci_low", "ci_high"),
    "Worst language": ("worst_ratio", "worst_low", "worst_high"),
}


def select(scaling: pd.DataFrame) -> pd.DataFrame:
    """Rows of random subsets and of all languages, at one sparsity, of curves with subsets."""
    rows = scaling[scaling["choice"].isin([RANDOM, ALL]) & scaling["ratio_to_dense"].notna()]
    rows = one_sparsity(rows)
    subsets = rows.loc[rows["choice"] == RANDOM, "curve"]
    return rows[rows["curve"].isin(subsets)].sort_values(["curve", "language_set", "size"])


def draw(tables: Mapping[str, pd.DataFrame], grid: Grid) -> Figure:
    """tables: scaling of one model."""
    rows = select(tables["scaling"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    sets = sets_of(rows)
    figure = style.new_figure(max(2.6 * len(sets) + 0.8, 4.4), 2.2 * len(MEASURES) + 0.9)
    panels = figure.subplots(len(MEASURES), len(sets), squeeze=False, sharex=True, sharey="row")
    looks = curve_looks(style.method_order(rows["curve"], grid))
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


def sets_of(rows: pd.DataFrame) -> list[str]:
    """The sets of evaluated languages that there are, in the order of `SETS`."""
    return [name for name in SETS if name in set(rows["language_set"])]


def curve_looks(curves: Sequence[str]) -> dict[str, dict]:
    """Colour and marker of each curve."""
    return {
        curve: {
            "color": style.PALETTE[index % len(style.PALETTE)],
            "marker": style.MARKERS[index % len(style.MARKERS)],
        }
        for index, curve in enumerate(curves)
    }


def prepare(
    panels: Sequence[Axes], rows: pd.DataFrame, sets: list[str], label: str, columns: tuple
) -> None:
    """Axes of one measure: a logarithmic ratio over the numbers of languages."""
    values = rows.loc[rows["language_set"].isin(sets), list(columns)]
    for axes in panels:
        ratio_axis(axes, "y", values, 0.06)
        size_axis(axes, sorted(rows["size"].unique()))
        axes.grid()
    panels[0].set_ylabel(f"{label}\nof perplexity / dense")


def size_axis(axes: Axes, sizes: Sequence[int]) -> None:
    """Logarithmic x axis with a tick at each number of languages whose label has room."""
    axes.set_xscale("log", base=2)
    span = max(np.log2(sizes[-1] / sizes[0]), 1)
    ticks = [sizes[-1]]
    for size in reversed(sizes[:-1]):
        if np.log2(ticks[-1] / size) >= span / 12:
            ticks.append(size)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    margin = 2 ** (0.05 * span)
    axes.set_xlim(sizes[0] / margin, sizes[-1] * margin)


def title_columns(panels: Sequence[Axes], rows: pd.DataFrame, sets: list[str]) -> None:
    """Name each set of evaluated languages and say how many they are."""
    counts = rows.groupby("language_set")["languages"].max()
    for axes, name in zip(panels, sets, strict=True):
        axes.set_title(f"{SETS[name]} (n = {counts[name]})", loc="left")


def band(axes: Axes, rows: pd.DataFrame, columns: tuple, colour: str) -> None:
    """Interval or range of a line over the numbers of languages."""
    _, low, high = columns
    axes.fill_between(rows["size"], rows[low], rows[high], color=colour, alpha=0.15, linewidth=0)


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
    outside_legend(figure, handles)


def outside_legend(figure: Figure, handles: list) -> None:
    """Legend above the panels, in as many columns as its longest entry leaves room for."""
    longest = max(len(handle.get_label()) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (0.07 * longest + 0.55)))
    rows = -(-len(handles) // columns)
    columns = -(-len(handles) // rows)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
