"""Perplexity of each language under rising sparsity, one panel a method."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import DENSE, NO, YES, Grid
from multiprune.figures import style
from multiprune.figures.wording import (
    Tables,
    document,
    geometric_mean_of_draws,
    measured_languages,
    number,
    own_languages,
)

TABLES = ("perplexity",)
STANDARD = True
TITLE = "By language, as sparsity grows"
PLACE = 25
CALIBRATED = "Calibrated on it"
LINES = {YES: "-", NO: "--"}
EMPTY = "There is no pruned model whose perplexity could be shown over sparsity."


def select(perplexity: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Geometric means over seeds: method, sparsity, language, calibrated_on, perplexity.

    Dense stands at 0.

    Methods with at least two sparsities; where no method has two, all methods.
    """
    pruned = perplexity[perplexity["method"] != DENSE]
    counts = pruned.groupby("method")["sparsity"].nunique()
    several = counts[counts > 1].index
    pruned = pruned[pruned["method"].isin(several if len(several) else counts.index)]
    keys = ["method", "sparsity", "language", "calibrated_on"]
    lines = pruned.groupby(keys)["perplexity"].agg(style.geometric_mean).reset_index()
    dense = perplexity[perplexity["method"] == DENSE]
    dense = dense.groupby("language")["perplexity"].agg(style.geometric_mean)
    start = lines[["method", "language", "calibrated_on"]].drop_duplicates()
    start = start.assign(sparsity=0.0, perplexity=start["language"].map(dense))
    return pd.concat([start, lines], ignore_index=True).dropna(subset="perplexity")


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: perplexity of one model."""
    lines = select(tables["perplexity"], grid)
    if lines.empty:
        return style.empty_figure(EMPTY)
    methods = style.method_order(lines["method"], grid)
    languages = style.language_order(tables["perplexity"], grid)
    columns = style.balanced_columns(len(methods), 4)
    rows = -(-len(methods) // columns)
    height = max(2.1 * rows + 0.5, 0.17 * len(languages) + 1.5)
    figure = style.new_figure(1.75 * columns + 1.8, height)
    panels = style.panel_grid(figure, len(methods), columns, sharex=True, sharey=True)
    looks = {
        language: {
            "color": style.PALETTE[index % len(style.PALETTE)],
            "marker": style.MARKERS[index // len(style.PALETTE) % len(style.MARKERS)],
            "markersize": 3.5,
            "linewidth": 1.3,
        }
        for index, language in enumerate(languages)
    }
    for axes, method in zip(panels, methods, strict=True):
        axes.set_title(method)
        axes.grid(axis="y")
        for (language, seen), line in lines[lines["method"] == method].groupby(
            ["language", "calibrated_on"]
        ):
            line = line.sort_values("sparsity")
            axes.plot(
                line["sparsity"], line["perplexity"], linestyle=LINES[seen], **looks[language]
            )
    low, high = lines["perplexity"].min(), lines["perplexity"].max()
    style.log_axis(panels[0], "y", low / 1.2, high * 1.2)
    ticks = _spread(sorted(lines["sparsity"].unique()))
    panels[0].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    figure.supxlabel("Sparsity (share of weights removed; 0 is dense)", fontsize=9)
    figure.supylabel("Perplexity per token (log scale)", fontsize=9)
    _legends(figure, languages, looks, set(lines["calibrated_on"]), grid)
    return figure


def _spread(sparsities: list[float]) -> list[float]:
    """Tick positions whose labels do not touch."""
    gap = (sparsities[-1] - sparsities[0]) / 6.01
    ticks = sparsities[:1]
    for value in sparsities[1:]:
        if value - ticks[-1] >= gap:
            ticks.append(value)
    return ticks


def _legends(figure: Figure, languages: list, looks: dict, seen: set, grid: Grid) -> None:
    handles = [Line2D([], [], color="none", label="Language")]
    handles += [
        Line2D([], [], label=style.language_label(language, grid), **looks[language])
        for language in languages
    ]
    handles.append(Line2D([], [], color="none", label=CALIBRATED))
    handles += [
        Line2D([], [], color=style.REFERENCE, linestyle=line, label=answer)
        for answer, line in LINES.items()
        if answer in seen
    ]
    legend = figure.legend(handles=handles, loc="outside right upper", handlelength=2.2)
    for text in legend.get_texts():
        if text.get_text() in ("Language", CALIBRATED):
            text.set_fontweight("bold")


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    lines = select(tables["perplexity"], grid)
    if lines.empty:
        return document(EMPTY)
    shown = (
        f"Perplexity of each language under rising sparsity, {model}; one panel a method, "
        "dense at sparsity 0. A solid line is a language that the method of the panel was "
        "calibrated on, a dashed line one that it was not. Perplexities of different languages "
        "cannot be compared with each other, since the tokenizer splits them differently; their "
        "growth can."
    )
    findings = []
    for method in style.method_order(lines["method"], grid):
        line = lines[lines["method"] == method]
        top = line["sparsity"].max()
        ends = line[line["sparsity"] == top].set_index("language")["perplexity"]
        start = line[line["sparsity"] == 0].set_index("language")["perplexity"]
        growth = (ends / start).sort_index()
        findings.append(
            f"{method} at sparsity {top:g}: from {number(growth.min())} times dense "
            f"({style.language_label(growth.idxmin(), grid)}) to {number(growth.max())} times "
            f"({style.language_label(growth.idxmax(), grid)})."
        )
    basis = f"{measured_languages(grid)} {geometric_mean_of_draws(grid)}"
    return document(
        shown,
        " ".join(findings),
        own_languages(lines["method"], grid),
        basis,
    )
