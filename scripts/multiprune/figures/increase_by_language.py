"""Perplexity of each calibration language at rising sparsity, the increases as filled areas."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from seaborn import color_palette

from multiprune.experiment.grid import CALIBRATION, DENSE, Grid
from multiprune.figures import style
from multiprune.figures.wording import (
    Tables,
    document,
    geometric_mean_of_draws,
    number,
)

TABLES = ("perplexity",)
STANDARD = True
TITLE = "Increase by language"
PLACE = 23
EMPTY = "The baseline has no pruned model in a calibration language."


def select(perplexity: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Perplexity of the dense model (0) and the baseline: a row a language, a column a sparsity.

    Geometric means over seeds, in calibration languages that were measured at every sparsity;
    languages by their perplexity before pruning.
    """
    own = [name for name in grid.languages if grid.config_role(name) == CALIBRATION]
    rows = perplexity[
        perplexity["method"].isin([DENSE, grid.baseline]) & perplexity["language"].isin(own)
    ]
    rows = rows.assign(sparsity=rows["sparsity"].where(rows["method"] != DENSE, 0.0).astype(float))
    means = rows.pivot_table(
        index="language", columns="sparsity", values="perplexity", aggfunc=style.geometric_mean
    )
    means = means.dropna()
    return means.sort_values(means.columns[0]) if means.shape[1] > 1 else means.head(0)


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: perplexity of one model."""
    means = select(tables["perplexity"], grid)
    if means.empty:
        return style.empty_figure(EMPTY)
    figure = style.new_figure(max(4.2, 0.28 * len(means) + 2.6), 3.4)
    axes = figure.subplots()
    places = range(len(means))
    sparsities = list(means.columns)
    colours = color_palette("flare", len(sparsities) - 1)
    axes.plot(places, means[sparsities[0]], color="black", linewidth=1.2, marker="o", markersize=3)
    handles = []
    for below, above, colour in zip(sparsities, sparsities[1:], colours, strict=False):
        axes.fill_between(places, means[below], means[above], color=colour, linewidth=0)
        label = f"{below:g} to {above:g}" if below else f"dense to {above:g}"
        handles.insert(0, Patch(color=colour, label=label))
    style.log_axis(axes, "y", means.min(axis=None) / 1.1, means.max(axis=None) * 1.1)
    axes.set_xticks(
        places, [style.language_label(name, grid) for name in means.index],
        rotation=45, ha="right", rotation_mode="anchor",
    )  # fmt: skip
    axes.set_xlim(-0.2, len(means) - 0.8)
    axes.grid(axis="y")
    axes.set_ylabel("Perplexity per token (log scale)")
    style.outside_legend(figure, handles)
    return figure


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    means = select(tables["perplexity"], grid)
    if means.empty:
        return document(EMPTY)
    last = means.columns[-1]
    factor = means[last] / means[means.columns[0]]
    shown = (
        f"Perplexity of each calibration language under {grid.baseline}, {model}; coloured areas "
        "are the increase from one sparsity to the next, the black line is the dense model. "
        "Languages by their perplexity before pruning. The form of M-Wanda's first figure."
    )
    least, most = factor.idxmin(), factor.idxmax()
    ends = " and ".join(
        f"{number(factor[code])} times in {style.language_label(code, grid)}"
        for code in dict.fromkeys((least, most))
    )
    found = f"Up to sparsity {last:g} perplexity grows {ends}."
    text = f"n = {len(means)} languages, {grid.split} split, context of {grid.length} tokens."
    basis = [text, geometric_mean_of_draws(grid)]
    return document(shown, found, " ".join(basis))
