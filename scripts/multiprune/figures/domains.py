"""Methods by the corpus that they calibrate on, one panel a corpus that they are judged on."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.wording import Tables, document, intervals_over_windows, number

TABLES = ("domains",)
STANDARD = False
TITLE = "Domains"
PLACE = 27
EMPTY = "There is no pruned model to compare."
WITHOUT = "none"  # in the column calibrated_on


def select(domains: pd.DataFrame) -> pd.DataFrame:
    """The rows at the sparsity that most of them have, the lowest of several.

    Without methods that read no text: no domain is theirs, and they may be far off.
    """
    domains = domains[domains["calibrated_on"] != WITHOUT]
    if domains.empty:
        return domains
    most = domains["sparsity"].value_counts().sort_index().idxmax()
    return domains[domains["sparsity"] == most]


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: domains of one model."""
    rows = select(tables["domains"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    tested = sorted(rows["evaluated_on"].unique())
    homes = sorted(rows["calibrated_on"].unique())
    bases = list(rows.groupby("base")["ratio_to_dense"].mean().sort_values().index)
    figure = style.new_figure(2.4 * len(tested) + 1.6, 0.2 * len(bases) * len(homes) + 1.2)
    panels = figure.subplots(1, len(tested), squeeze=False, sharey=True)[0]
    looks = {
        corpus: {"color": style.PALETTE[index], "marker": style.MARKERS[index % 4]}
        for index, corpus in enumerate(homes)
    }
    ends = rows[["ratio_to_dense", "ci_low", "ci_high"]]
    for axes, corpus in zip(panels, tested, strict=True):
        style.log_axis(axes, "x", min(1.0, ends.min(axis=None)), 1.05 * ends.max(axis=None))
        axes.set_title(f"judged on {corpus}", loc="left")
        axes.grid(axis="x")
        for row in rows[rows["evaluated_on"] == corpus].itertuples():
            place = bases.index(row.base) + _shift(homes.index(row.calibrated_on), len(homes))
            look = looks[row.calibrated_on]
            axes.plot([row.ci_low, row.ci_high], [place] * 2, color=look["color"], linewidth=1.6)
            axes.plot(row.ratio_to_dense, place, linestyle="none", markersize=4.5, **look)
        axes.set_xlabel("Perplexity relative to dense\n(geometric mean, log scale)")
    panels[0].set_yticks(range(len(bases)), bases)
    panels[0].set_ylim(len(bases) - 0.5, -0.5)
    handles = [
        Line2D([], [], label=f"calibrated on {corpus}", linewidth=1.6, markersize=4.5, **look)
        for corpus, look in looks.items()
    ]
    style.outside_legend(figure, handles)
    return figure


def _shift(index: int, count: int) -> float:
    """Where a mark stands beside the middle of its row."""
    return 0.6 * ((index + 0.5) / count - 0.5)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    rows = select(tables["domains"])
    if rows.empty:
        return document(EMPTY)
    sparsity = rows["sparsity"].iloc[0]
    shown = (
        f"Perplexity relative to the dense model at sparsity {sparsity:g}, {model}: each method "
        "calibrated on one corpus and judged on each, in the same languages. Methods without "
        "calibration text are left out."
    )
    return document(shown, _orders(rows), _costs(rows), intervals_over_windows(grid))


def _orders(rows: pd.DataFrame) -> str:
    """Whether methods stand in the same order whatever the two corpora are."""
    orders = {
        (home, corpus): tuple(own.sort_values("rank")["base"])
        for (home, corpus), own in rows.groupby(["calibrated_on", "evaluated_on"])
        if len(own) > 1
    }
    if not orders:
        return ""
    counts = pd.Series(list(orders.values())).value_counts()
    most = ", ".join(counts.index[0])
    if len(counts) == 1:
        return f"In all {len(orders)} pairs of corpora the order is {most}, the least loss first."
    return (
        f"From the least loss the order is {most} in {counts.iloc[0]} of {len(orders)} pairs of "
        f"corpora; there are {len(counts)} different orders."
    )


def _costs(rows: pd.DataFrame) -> str:
    """What calibration text of another corpus costs."""
    others = rows[(rows["calibrated_on"] != rows["evaluated_on"]) & rows["ratio_to_same"].notna()]
    if others.empty:
        return ""
    ends = [
        others.loc[which(others["ratio_to_same"])] for which in (pd.Series.idxmin, pd.Series.idxmax)
    ]
    parts = [
        f"{number(end['ratio_to_same'])} ({end['base']}, calibrated on {end['calibrated_on']}, "
        f"judged on {end['evaluated_on']})"
        for end in ends
    ]
    return (
        "Against the same method calibrated on the corpus that it is judged on, the perplexity is "
        f"{parts[0]} to {parts[1]} times as high."
    )
