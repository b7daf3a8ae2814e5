"""The largest dimensions of the residual stream, layer by layer (Kim et al. 2024)."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.wording import Tables, document, mean_of_draws, number

TABLES = ("residual_dimensions",)
STANDARD = False
TITLE = "Largest dimensions"
PLACE = 77
EMPTY = "There are no dimensions to show: no method reads calibration text."
COLOURS = {True: style.PALETTE[0], False: style.PALETTE[1]}


def select(dimensions: pd.DataFrame) -> pd.DataFrame:
    """layer, rank, norm, median: means over seeds; everywhere: among the largest in every set."""
    table = dimensions.assign(everywhere=dimensions["sets"] == dimensions["of_sets"])
    shown = {"norm": "mean", "median": "mean", "everywhere": "min"}
    return table.groupby(["layer", "rank"]).agg(shown).reset_index()


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: residual_dimensions of one model."""
    table = tables["residual_dimensions"]
    if table.empty:
        return style.empty_figure(EMPTY)
    rows = select(table)
    ranks, layers = rows["rank"].max(), rows["layer"].max() + 1
    figure = style.new_figure(max(4.5, 0.3 * layers + 1), 3)
    axes = figure.subplots()
    places = rows["layer"] - 0.4 + 0.8 * (rows["rank"] - 0.5) / ranks
    colours = rows["everywhere"].map(COLOURS)
    axes.bar(places, rows["norm"], 0.8 / ranks, color=colours, log=True)
    medians = rows.drop_duplicates("layer")
    axes.hlines(
        medians["median"], medians["layer"] - 0.4, medians["layer"] + 0.4, color=style.REFERENCE
    )
    axes.set_ylim(bottom=medians["median"].min() / 2)
    axes.set_xlabel("Layer (0: embeddings)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("Activation (L2 norm)")
    figure.legend(
        [Patch(color=COLOURS[True]), Patch(color=COLOURS[False]), Line2D([], [], color="0.45")],
        ["among the largest in every set", "in some sets only", "median dimension"],
        loc="outside upper left",
        ncols=3,
    )
    return figure


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    table = tables["residual_dimensions"]
    if table.empty:
        return document(EMPTY)
    rows = select(table)
    first = rows[rows["rank"] == 1].assign(times=lambda r: r["norm"] / r["median"])
    most = first.loc[first["times"].idxmax()]
    shown = (
        f"The {rows['rank'].max()} dimensions of the residual stream with the highest activation "
        f"in each layer, {model}, dense, as in the second figure of Kim et al. (2024). The "
        "activation is the L2 norm over the positions of a window, mean over windows and "
        f"{table['of_sets'].max()} calibration sets; layer b is the output of block b."
    )
    seen = (
        f"{rows['everywhere'].mean():.0%} of them are among the largest of their layer in every "
        f"calibration set. The highest stands out most in layer {most['layer']:g}, where it is "
        f"{number(most['times'])} times that of the median dimension."
    )
    return document(shown, seen, mean_of_draws(table))
