"""How far calibration sets share their most and least activated features: one square, two ends."""

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure

from multiprune.experiment.grid import CODE, Grid
from multiprune.figures import style
from multiprune.figures.matrices import ends_of, write_numbers
from multiprune.figures.wording import Tables, document, mean_of_draws, sentence

TABLES = ("overlap",)
STANDARD = True
TITLE = "Overlap of features"
PLACE = 75
EMPTY = "There is no overlap to show: it needs statistics of two calibration sets."
LANGUAGE, PAIR, CONTROL = "languages", "translation", "monolingual"
GROUPS = {  # in the order in which they are drawn
    LANGUAGE: "plain text",
    PAIR: "translation\ndemonstrations",
    CONTROL: "monolingual\ndemonstrations",
    CODE: "contrast set",
}
KINDS = {  # of pairs of sets, as the caption calls them
    (LANGUAGE, LANGUAGE): "two languages",
    (LANGUAGE, PAIR): "a language and translation demonstrations",
    (LANGUAGE, CONTROL): "a language and monolingual demonstrations",
    (PAIR, PAIR): "two sets of translation demonstrations",
    (PAIR, CONTROL): "translation and monolingual demonstrations",
    (CONTROL, CONTROL): "two sets of monolingual demonstrations",
    (LANGUAGE, CODE): "a language and code",
    (PAIR, CODE): "translation demonstrations and code",
    (CONTROL, CODE): "monolingual demonstrations and code",
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


def draw(tables: Tables, grid: Grid) -> Figure:
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
        write_numbers(axes, matrix.to_numpy(), image, 7.5)
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


def _bar(bar: Colorbar, chance: float) -> None:
    bar.set_label("Share of features in common")
    bar.outline.set_visible(False)
    bar.ax.axhline(chance, color="white", linewidth=1.2)
    ticks = [tick for tick in (0.2, 0.4, 0.6, 0.8, 1.0) if tick > chance + 0.05]
    labels = [f"{chance:.2f} (chance)", *(f"{tick:g}" for tick in ticks)]
    bar.set_ticks([chance, *ticks], labels=labels)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    table = tables["overlap"]
    if table.empty:
        return document(EMPTY)
    chance = table["chance"].mean()
    shown = (
        f"Share of features that two calibration sets have in common, {model}, dense. Features are "
        f"the input channels of a module; top and bottom features are the {chance:.1%} with the "
        "highest and the lowest root mean square over a set's tokens. Mean over "
        f"{table['input'].nunique()} kinds of module input and all blocks. Two unrelated sets "
        f"would share {chance:.2f} (chance). Sets of different length and text differ for that "
        "reason too: compare translation demonstrations with their monolingual control, which has "
        "the same format and the same number of lines."
    )
    means = table.groupby(["end", "set_a", "set_b"])["overlap"].mean().reset_index()
    means["kind"] = [_kind(a, b) for a, b in zip(means["set_a"], means["set_b"], strict=True)]
    findings = [_of_kinds(means, end) + _ends(means, end, grid) for end in ("top", "bottom")]
    return document(shown, " ".join(findings), mean_of_draws(table))


def _kind(a: str, b: str) -> str:
    groups = list(GROUPS)
    pair = sorted((group_of(a), group_of(b)), key=groups.index)
    return KINDS[tuple(pair)]


def _of_kinds(means: pd.DataFrame, end: str) -> str:
    kinds = means[means["end"] == end].groupby("kind")["overlap"].agg(["mean", "size"])
    parts = [
        f"{kinds['mean'][kind]:.2f} between {kind} (n = {kinds['size'][kind]})"
        for kind in KINDS.values()
        if kind in kinds.index
    ]
    return f"Mean overlap of {end} features: {'; '.join(parts)}."


def _ends(means: pd.DataFrame, end: str, grid: Grid) -> str:
    here = means[means["end"] == end].set_index(["set_a", "set_b"])["overlap"]
    if len(here) < 2:
        return ""
    return f" {sentence(ends_of(here, lambda name: _name(name, grid), digits=2))}"


def _name(name: str, grid: Grid) -> str:
    label = set_label(name, grid)
    return f"{label} demonstrations" if group_of(name) in (PAIR, CONTROL) else label
