"""How far calibration sets share their most and least activated features: one square, two ends."""

import numpy as np
import pandas as pd
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure

from multiprune.experiment.grid import CODE, Grid
from multiprune.figures import calibration_sets, style
from multiprune.figures.calibration_sets import CONTROL, LANGUAGE, PAIR, group_of
from multiprune.figures.matrices import ends_of, write_numbers
from multiprune.figures.wording import Tables, document, mean_of_draws, sentence

TABLES = ("overlap",)
STANDARD = True
TITLE = "Overlap of features"
PLACE = 75
EMPTY = "There is no overlap to show: it needs statistics of two calibration sets."
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


def select(overlap: pd.DataFrame) -> pd.DataFrame:
    """Mean over inputs and seeds [set, set]: top features above the diagonal, bottom below."""
    names = calibration_sets.sets_of(overlap)
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
    side = calibration_sets.square(len(matrix))
    figure = style.new_figure(side + 3.6, side + 1.6)
    figure.set_layout_engine("compressed")  # the constrained one cuts labels beside a square
    axes = figure.subplots()
    chance = overlap["chance"].mean()
    lowest = min(chance, np.nanmin(matrix.to_numpy()))
    image = axes.imshow(matrix, cmap="cividis", vmin=lowest, vmax=1)
    calibration_sets.write_labels(axes, list(matrix), grid)
    axes.set_title("above the diagonal: top features\nbelow: bottom features", loc="left")
    if len(matrix) <= calibration_sets.MOST_ANNOTATED:
        write_numbers(axes, matrix.to_numpy(), image, 7.5)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=25)
    _mark_chance(bar, chance)
    return figure


def _mark_chance(bar: Colorbar, chance: float) -> None:
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
    groups = list(calibration_sets.GROUPS)
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
    said = ends_of(here, lambda name: calibration_sets.set_name(name, grid), digits=2)
    return f" {sentence(said)}"
