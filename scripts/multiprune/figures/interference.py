"""What calibrating on all languages at once costs each of them, by sparsity."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.wording import Tables, document, intervals_over_windows, number

TABLES = ("interference",)
STANDARD = True
TITLE = "Interference of languages"
PLACE = 24
EMPTY = "No language has a model of its own to compare with."


def select(interference: pd.DataFrame) -> pd.DataFrame:
    """The rows of the method that has the most of them, the first of several."""
    if interference.empty:
        return interference
    most = interference["method"].value_counts(sort=False).idxmax()
    return interference[interference["method"] == most]


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: interference of one model."""
    rows = select(tables["interference"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    order = list(rows.groupby("language")["factor"].mean().sort_values(ascending=False).index)
    sparsities = sorted(rows["sparsity"].unique())
    figure = style.new_figure(5.2, 0.3 * len(order) + 1.2)
    axes = figure.subplots()
    ends = rows[["factor", "ci_low", "ci_high"]]
    style.log_axis(axes, "x", min(0.98, ends.min(axis=None)), max(1.02, ends.max(axis=None)))
    axes.grid(axis="x")
    axes.axvline(1, color="black", linewidth=0.8)
    looks = {
        sparsity: {
            "color": style.PALETTE[index % len(style.PALETTE)],
            "marker": style.MARKERS[index % 4],
        }
        for index, sparsity in enumerate(sparsities)
    }
    for row in rows.itertuples():
        shift = 0.6 * ((sparsities.index(row.sparsity) + 0.5) / len(sparsities) - 0.5)
        place, look = order.index(row.language) + shift, looks[row.sparsity]
        axes.plot([row.ci_low, row.ci_high], [place] * 2, color=look["color"], linewidth=1.6)
        axes.plot(row.factor, place, linestyle="none", markersize=4.5, **look)
    axes.set_yticks(range(len(order)), [style.language_label(name, grid) for name in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlabel(f"Perplexity under {grid.baseline} relative to the language's own model")
    handles = [
        Line2D([], [], label=f"sparsity {sparsity:g}", linewidth=1.6, markersize=4.5, **look)
        for sparsity, look in looks.items()
    ]
    style.outside_legend(figure, handles)
    return figure


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    rows = select(tables["interference"])
    if rows.empty:
        return document(EMPTY)
    shown = (
        f"Interference factor of each language, {model}: perplexity under {grid.baseline}, which "
        f"is calibrated on several languages, over that under {rows['method'].iloc[0]}, whose "
        "model for a language is calibrated on it alone, with as much text of it. Right of 1 "
        "the other languages get in the way, left of it they help. Languages by their mean factor."
    )
    return document(shown, " ".join(_findings(rows)), intervals_over_windows(grid))


def _findings(rows: pd.DataFrame) -> list[str]:
    found = []
    for sparsity, here in rows.groupby("sparsity"):
        worse, better = (here["ci_low"] > 1).sum(), (here["ci_high"] < 1).sum()
        mean = number(style.geometric_mean(here["factor"]))
        found.append(
            f"At sparsity {sparsity:g} the factor is {mean} on average, wholly above 1 in "
            f"{worse} and wholly below it in {better} of {len(here)} languages."
        )
    return found
