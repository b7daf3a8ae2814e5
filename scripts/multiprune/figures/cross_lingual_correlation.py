"""How alike the calibration languages use the model's channels, by block and by language pair."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.matrices import ends_of, pair_matrix, write_numbers
from multiprune.figures.wording import Tables, document, mean_of_draws, sentence

TABLES = ("correlation",)
STANDARD = True
TITLE = "Correlation of languages"
PLACE = 70
EMPTY = "There is no correlation to show: it needs statistics of two calibration languages."
BAND = (0.1, 0.9)


def select(correlation: pd.DataFrame) -> pd.DataFrame:
    """block, input, mean, low, high over language pairs and seeds (band: 10 to 90 percent)."""
    groups = correlation.dropna(subset="correlation").groupby(["input", "block"])["correlation"]
    rows = groups.agg(
        mean="mean", low=lambda x: x.quantile(BAND[0]), high=lambda x: x.quantile(BAND[1])
    )
    return rows.reset_index()


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: correlation of one model."""
    rows = select(tables["correlation"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    matrix = pair_matrix(tables["correlation"].dropna(subset="correlation"))
    side = max(0.36 * len(matrix), 1.6)
    figure = style.new_figure(4.2 + side + 1.9, max(side + 1.1, 3.4))
    left, right = figure.subplots(1, 2, width_ratios=[4.2, side + 1.9])
    _by_block(left, rows)
    image = _by_pair(right, matrix, grid)
    bar = figure.colorbar(image, ax=right, fraction=0.05, aspect=25)
    bar.set_label("Mean correlation")
    bar.outline.set_visible(False)
    return figure


def _by_block(axes: Axes, rows: pd.DataFrame) -> None:
    for index, (name, line) in enumerate(rows.groupby("input")):
        colour = style.PALETTE[index % len(style.PALETTE)]
        line = line.sort_values("block")
        axes.fill_between(
            line["block"], line["low"], line["high"], color=colour, alpha=0.15, linewidth=0
        )
        axes.plot(
            line["block"], line["mean"], color=colour, marker=style.MARKERS[index % 4],
            markersize=3, linewidth=1.4, label=name,
        )  # fmt: skip
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(top=min(1.02, axes.get_ylim()[1]))
    axes.set_xlabel("Block (0 is next to the embeddings)")
    axes.set_ylabel("Correlation of channel norms\nbetween languages")
    axes.legend(
        title="Module input", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2,
    )  # fmt: skip


def _by_pair(axes: Axes, matrix: pd.DataFrame, grid: Grid):
    values = matrix.to_numpy(copy=True)
    np.fill_diagonal(values, np.nan)
    low, high = np.nanmin(values), np.nanmax(values)
    image = axes.imshow(values, cmap="cividis", vmin=low, vmax=max(high, low + 0.01))
    labels = [style.language_label(name, grid) for name in matrix]
    axes.set_xticks(range(len(matrix)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(matrix)), labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    write_numbers(axes, values, image, 8)
    return image


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    table = tables["correlation"]
    rows = select(table)
    if rows.empty:
        return document(EMPTY)
    pairs = table.dropna(subset="correlation").groupby(["language_a", "language_b"])
    means = pairs["correlation"].mean()
    names = {name for pair in means.index for name in pair}
    shown = (
        f"How alike the languages use the channels of {model}: Pearson correlation over channels "
        "of the activation norms of two languages, dense model, calibration text. Left: by block "
        f"and module input, mean and 10 to 90 percent of {len(means)} pairs of {len(names)} "
        "calibration languages. Right: mean over blocks and inputs for each pair, alike languages "
        "side by side (average linkage)."
    )
    inputs = rows.groupby("input")["mean"]
    ranges = "; ".join(
        f"{name} {low:.2f} to {high:.2f}"
        for name, low, high in zip(inputs.groups, inputs.min(), inputs.max(), strict=True)
    )
    ends = ends_of(means, lambda name: style.language_label(name, grid), digits=2)
    finding = f"Mean correlation by block ranges over {ranges}. {sentence(ends)}"
    return document(shown, finding, mean_of_draws(table, one=""))
