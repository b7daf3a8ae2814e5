"""What is a top feature of one calibration set and a bottom one of another (Kim et al. 2024)."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from multiprune.experiment.grid import Grid
from multiprune.figures import calibration_sets, style
from multiprune.figures.matrices import write_numbers
from multiprune.figures.wording import Tables, document, mean_of_draws

TABLES = ("residual_overlap",)
STANDARD = False
TITLE = "Top against bottom features"
PLACE = 76
EMPTY = "There is no overlap to show: it needs statistics of two calibration sets."


def select(overlap: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds, [set whose top features are meant, set whose bottom features are]."""
    names = calibration_sets.sets_of(overlap)
    means = overlap.groupby(["set_a", "set_b"])["overlap"].mean().unstack()
    return means.reindex(index=names, columns=names)


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: residual_overlap of one model."""
    overlap = tables["residual_overlap"]
    if overlap.empty:
        return style.empty_figure(EMPTY)
    matrix = 100 * select(overlap)
    side = calibration_sets.square(len(matrix))
    figure = style.new_figure(side + 3.6, side + 1.9)
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap="cividis", vmin=0)
    calibration_sets.write_labels(axes, list(matrix), grid)
    axes.set_ylabel("top features of")
    axes.set_xlabel("bottom features of")
    if len(matrix) <= calibration_sets.MOST_ANNOTATED:
        write_numbers(axes, matrix.to_numpy(), image, 7.5, "{:.1f}".format)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=25)
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    bar.set_label("Top features among the bottom ones, %")
    return figure


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    table = tables["residual_overlap"]
    if table.empty:
        return document(EMPTY)
    chance = table["chance"].mean()
    shown = (
        f"Share of the top features of one calibration set (rows) that are bottom features of "
        f"another (columns), {model}, dense. Features are the dimensions of the residual stream, "
        "their activation the L2 norm over the positions of a window, mean over windows; top and "
        f"bottom features are the {chance:.0%} with the highest and the lowest activation. Mean "
        "over the embeddings and the outputs of all blocks. Two unrelated sets would have "
        f"{chance:.2f}. This is the heatmap of Kim et al. (2024), except that padding counts "
        "nowhere."
    )
    means = table.groupby(["set_a", "set_b"])["overlap"].mean()
    least, most = (
        f"{calibration_sets.set_name(a, grid)} against {calibration_sets.set_name(b, grid)} "
        f"({means[a, b]:.3f})"
        for a, b in (means.idxmin(), means.idxmax())
    )
    seen = f"Mean over all pairs: {means.mean():.3f}."
    if len(means) > 2:
        seen += f" Fewest features change sides with the top of {least}, most with that of {most}."
    return document(shown, seen, mean_of_draws(table))
