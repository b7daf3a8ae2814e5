"""How far calibration sets share their most and least activated features: one square, two ends."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from multiprune.experiment.grid import CODE, Grid
from multiprune.figures import style

EMPTY = "There is no overlap to show: it needs statistics of two calibration sets."
LANGUAGE, PAIR, CONTROL = "languages", "translation", "monolingual"
GROUPS = {  # in the order in which they are drawn
    LANGUAGE: "plain text",
    PAIR: "translation\ndemonstrations",
    CONTROL: "monolingual\ndemonstrations",
    CODE: "contrast set",
}
MOST_ANNOTATED = 20  # with more sets, numbers no longer fit into the cells


def group_of(name: str) -> str:
    """What kind of calibration set a name stands for."""
    if "-" not in name:
        return CODE if name == CODE else LANGUAGE
    source, target = _sides(name)
    return CONTROL if source == target else PAIR


def set_order(names: set[str]) -> list[str]:
    """Languages, translation pairs, monolingual controls, code; by name within each."""
    groups = list(GROUPS)
    return sorted(names, key=lambda name: (groups.index(group_of(name)), name))


def select(overlap: pd.DataFrame) -> pd.DataFrame:
    """Mean over inputs and seeds [set, set]: top features above the diagonal, bottom below."""
    names = set_order({*overlap["set_a"], *overlap["set_b"]})
    matrix = pd.DataFrame(np.nan, index=names, columns=names)
    place = {name: position for position, name in enumerate(names)}
    means = overlap.groupby(["end", "set_a", "set_b"])["overlap"].mean()
    for (end, a, b), value in means.items():
        first, second = sorted((a, b), key=place.get)
        row, column = (first, second) if end == "top" else (second, first)
        matrix.loc[row, column] = value
    return matrix


def draw(tables: Mapping[str, pd.DataFrame], grid: Grid) -> Figure:
    """tables: overlap of one model."""
    overlap = tables["overlap"]
    if overlap.empty:
        return style.empty_figure(EMPTY)
    matrix = select(overlap)
    few = len(matrix) <= MOST_ANNOTATED
    side = max((0.36 if few else 0.17) * len(matrix), 1.8)
    figure = style.new_figure(side + 3.6, side + 1.6)
    figure.set_layout_engine("compressed")  # the constrained one cuts labels beside a square
    axes = figure.subplots()
    chance = overlap["chance"].mean()
    lowest = min(chance, np.nanmin(matrix.to_numpy()))
    image = axes.imshow(matrix, cmap="cividis", vmin=lowest, vmax=1)
    _labels(axes, list(matrix), grid, 8 if few else 6)
    _groups(axes, list(matrix))
    if few:
        _numbers(axes, matrix, image)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=25)
    _bar(bar, chance)
    return figure


def set_label(name: str, grid: Grid) -> str:
    """Languages by name; a pair with an arrow from source to target."""
    if "-" not in name:
        return _language(name, grid)
    source, target = (_language(side, grid) for side in _sides(name))
    return source if source == target else f"{source} → {target}"


def _sides(name: str) -> tuple[str, str]:
    source, target = name.split("-")  # a language's own code holds no hyphen
    return source, target


def _language(name: str, grid: Grid) -> str:
    return style.language_label(name, grid) if name in grid.languages else name


def _labels(axes: Axes, names: list[str], grid: Grid, size: float) -> None:
    labels = [set_label(name, grid) for name in names]
    places = range(len(names))
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(places, labels, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("above the diagonal: top features\nbelow: bottom features", loc="left")


def _groups(axes: Axes, names: list[str]) -> None:
    groups = [group_of(name) for name in names]
    starts = [place for place, group in enumerate(groups) if groups.index(group) == place]
    for start, end in pairwise([*starts, len(names)]):
        if start:
            axes.axhline(start - 0.5, color="white", linewidth=2.5)
            axes.axvline(start - 0.5, color="white", linewidth=2.5)
        axes.text(
            len(names) - 0.4, (start + end - 1) / 2, GROUPS[groups[start]], va="center",
            fontsize=7, color=style.REFERENCE, linespacing=0.95,
        )  # fmt: skip


def _numbers(axes: Axes, matrix: pd.DataFrame, image: AxesImage) -> None:
    middle = (image.norm.vmin + image.norm.vmax) / 2
    for (row, column), value in np.ndenumerate(matrix.to_numpy()):
        if not np.isnan(value):
            axes.text(
                column, row, f"{value:.2f}".replace("0.", "."), ha="center", va="center",
                fontsize=7.5, color="black" if value > middle else "white",
            )  # fmt: skip


def _bar(bar: Colorbar, chance: float) -> None:
    bar.set_label("Share of features in common")
    bar.outline.set_visible(False)
    bar.ax.axhline(chance, color="white", linewidth=1.2)
    ticks = [tick for tick in (0.2, 0.4, 0.6, 0.8, 1.0) if tick > chance + 0.05]
    labels = [f"{chance:.2f} (chance)", *(f"{tick:g}" for tick in ticks)]
    bar.set_ticks([chance, *ticks], labels=labels)
