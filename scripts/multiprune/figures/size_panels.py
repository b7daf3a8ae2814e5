"""What the figures over the number of calibration languages share: panels, and their captions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from multiprune.experiment.grid import CALIBRATION, UNSEEN_FAMILY, UNSEEN_LANGUAGE, Grid
from multiprune.figures import style
from multiprune.figures.language_groups import ratio_axis
from multiprune.figures.wording import measured_text, number, sentence

ALL = "all"  # the choice of the point that takes the whole pool
SETS = {  # of evaluated languages, as the table calls them and as the figures do
    CALIBRATION: "languages of the pool",
    UNSEEN_LANGUAGE: "unseen languages,\nfamilies of the pool",
    UNSEEN_FAMILY: "unseen languages,\nother families",
}
MEASURES = {  # label: the ratio and the ends of its interval or range
    "Geometric mean": ("ratio_to_dense", "ci_low", "ci_high"),
    "Worst language": ("worst_ratio", "worst_low", "worst_high"),
}
SEPARATE = (
    "Points count as different where their intervals do not overlap; since the languages are the "
    "same, this misses small differences. Not corrected for the number of points."
)


def sets_of(rows: pd.DataFrame) -> list[str]:
    """The sets of evaluated languages that there are, in the order of `SETS`."""
    return [name for name in SETS if name in set(rows["language_set"])]


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


def intervals(grid: Grid) -> str:
    """What the intervals are of."""
    return f"{grid.confidence:.0%} intervals over languages and draws"


def set_name(name: str) -> str:
    """A set of evaluated languages as it stands in a caption."""
    return SETS[name].replace("\n", " ")


def evaluated_sets(rows: pd.DataFrame, grid: Grid) -> str:
    """Which languages were evaluated, and on what text."""
    counts = rows.groupby("language_set")["languages"].max()
    names = "; ".join(f"{set_name(name)} (n = {counts[name]})" for name in sets_of(rows))
    return (
        f"Evaluated: {names}. The pool are the calibration languages of the config, from which "
        "subsets are taken; a subset holds only some of them. "
        f"{sentence(measured_text(grid))}"
    )


def counts(both: pd.DataFrame, unit: str) -> str:
    """Where _x lies below or above _y, in words, and the geometric mean of their quotients."""
    if both.empty:
        return f"no {unit} have both"
    columns = ["ratio_to_dense", "ci_low", "ci_high"]
    sides = [
        separate(*(row[[f"{name}_{side}" for name in columns]].set_axis(columns) for side in "xy"))
        for _, row in both.iterrows()
    ]
    missing = f", {sides.count(None)} without intervals" if None in sides else ""
    quotient = style.geometric_mean(both["ratio_to_dense_x"] / both["ratio_to_dense_y"])
    return (
        f"lower in {sides.count(-1)}, higher in {sides.count(1)} and not distinguishable in "
        f"{sides.count(0)} of {len(sides)} {unit} (on average {number(quotient)} times{missing})"
    )


def separate(first: pd.Series, second: pd.Series) -> int | None:
    """-1 or 1 where the first interval lies below or above the second, 0 where they overlap.

    None where one is missing.
    """
    if pd.isna([*first[["ci_low", "ci_high"]], *second[["ci_low", "ci_high"]]]).any():
        return None
    below = first["ci_high"] < second["ci_low"]
    return int(first["ci_low"] > second["ci_high"]) - int(below)
