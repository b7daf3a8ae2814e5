"""What the figures of many languages share: families and scripts, their colours, labels of dots."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator
from matplotlib.transforms import Bbox

from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.labels import relative

UNKNOWN = "unknown"
COLOURS = [*style.PALETTE[:7], style.PALETTE[9]]  # without the grey, which is for the others
OTHER = "0.7"
OFFSETS = [  # points from a dot to its label, nearest first, and the label's anchor
    (x * step, y * step, ha, va)
    for step in (1, 2, 3)
    for x, y, ha, va in (
        (5, 0, "left", "center"), (-5, 0, "right", "center"),
        (0, 5, "center", "bottom"), (0, -5, "center", "top"),
        (4, 4, "left", "bottom"), (-4, 4, "right", "bottom"),
        (4, -4, "left", "top"), (-4, -4, "right", "top"),
    )
]  # fmt: skip
RADIUS = 2  # points, of a dot
TICKS = np.array([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7])  # of a narrow axis, and ten times these


def label(language: str, grid: Grid) -> str:
    """`style.language_label`, or the code of a language that was not evaluated."""
    return style.language_label(language, grid) if language in grid.languages else language


def family(language: str, grid: Grid) -> str:
    """Name of the language's family without "languages" at its end, else its code."""
    entry = grid.languages.get(language, {})
    name = entry.get("family_name") or entry.get("family") or UNKNOWN
    return name.removesuffix(" languages").replace("$", r"\$")


def script(language: str, grid: Grid) -> str:
    """Name of the script that the language's texts are written in, else its code."""
    entry = grid.languages.get(language, {})
    return (entry.get("script_name") or entry.get("script") or UNKNOWN).replace("$", r"\$")


def most_frequent(groups: Iterable[str], count: int) -> list[str]:
    """The `count` known groups with the most members, by name where they have equally many."""
    sizes = Counter(group for group in groups if group != UNKNOWN)
    return sorted(sizes, key=lambda group: (-sizes[group], group))[:count]


def group_colours(groups: Iterable[str], count: int) -> dict[str, str]:
    """Colours of the `count` most frequent groups; the others have `OTHER`."""
    return dict(zip(most_frequent(groups, count), COLOURS, strict=False))


def one_sparsity(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the sparsity that has the most of them, of the highest where several do."""
    counts = rows["sparsity"].value_counts()
    return rows[rows["sparsity"] == counts[counts == counts.max()].index.max()]


def language_ratios(perplexity: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """method, sparsity, language, role (config), ratio to dense (mean over seeds), at one sparsity.

    Of the baseline and, where the experiment has it, the method named like it with m- in front.
    The mean is geometric.
    """
    rows = perplexity[
        perplexity["method"].isin([grid.baseline, relative("m-", grid.baseline, grid)])
    ]
    rows = rows[rows["ratio_to_dense"].notna()]
    rows = one_sparsity(rows[rows["sparsity"].isin(_sparsities_of(grid.baseline, rows))])
    keys = ["method", "sparsity", "language", "role"]
    ratios = rows.groupby(keys)["ratio_to_dense"].agg(style.geometric_mean)
    return ratios.rename("ratio").reset_index()


def ratio_axis(axes: Axes, name: str, values: pd.DataFrame | pd.Series, margin: float) -> None:
    """A logarithmic axis that holds all values, with at least three ticks where it is narrow.

    margin: share of the axis, in logarithms, that stays free at each end.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    factor = max((high / low) ** margin, 1.01)
    style.log_axis(axes, name, low / factor, high * factor)
    if 3 <= high / low <= 10:
        decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        ticks = np.outer(decades, TICKS if high / low < 5 else TICKS[[0, 3, 5, 7]]).ravel()
        within = (ticks >= low / factor) & (ticks <= high * factor)
        getattr(axes, f"{name}axis").set_major_locator(FixedLocator(ticks[within]))


def _sparsities_of(method: str, rows: pd.DataFrame) -> set[float]:
    return set(rows.loc[rows["method"] == method, "sparsity"])


def label_dots(
    axes: Axes, dots: np.ndarray, labels: Sequence[tuple[int, str]], taken: Iterable[Bbox] = ()
) -> None:
    """Write labels beside some dots so that they meet neither each other nor any dot.

    dots [dots, 2] in data coordinates; labels: index of the dot and text, the most important
    first. A label without a free place is left out. The figure must have been laid out.
    """
    places = axes.transData.transform(dots)
    frame, boxes = axes.get_window_extent(), list(taken)
    for index, text in labels:
        note = axes.annotate(
            text, dots[index], xytext=(0, 0), textcoords="offset points", fontsize=8,
            arrowprops={"arrowstyle": "-", "color": style.REFERENCE, "linewidth": 0.5,
                        "shrinkA": 0, "shrinkB": 1.5},
        )  # fmt: skip
        note.set_in_layout(False)
        free = (box for box in _boxes(note) if _is_free(box, frame, boxes, places))
        if (box := next(free, None)) is None:
            note.remove()
        else:
            boxes.append(box)


def _boxes(note: Annotation) -> Iterator[Bbox]:
    """Put a label at one offset after the other; the box that it takes there."""
    for x, y, ha, va in OFFSETS:
        note.xyann = (x, y)
        note.set(ha=ha, va=va)
        note.get_window_extent()  # moves it; the box itself is that of the text without the line
        yield Text.get_window_extent(note).padded(RADIUS * note.figure.dpi / 72)


def _is_free(box: Bbox, frame: Bbox, boxes: Iterable[Bbox], places: np.ndarray) -> bool:
    within = np.all(box.min >= frame.min) and np.all(box.max <= frame.max)
    dots = np.all((places > box.min) & (places < box.max), axis=1).any()
    return bool(within and not dots and not any(box.overlaps(other) for other in boxes))
