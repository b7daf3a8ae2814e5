"""RankC: how alike a model ranks the choices in a language and in the reference language."""

import pandas as pd
from matplotlib.figure import Figure

from multiprune.evaluation.consistency import chance_consistency
from multiprune.experiment.grid import DENSE, Grid
from multiprune.figures import language_panels, style
from multiprune.figures.accuracies import items, means_of_draws, sides, truncated
from multiprune.figures.wording import Tables, document, number, own_languages

TABLES = ("consistency", "downstream")
STANDARD = True
TITLE = "Consistency of answers"
PLACE = 35
EMPTY = "No task has the same items in the reference language and in another one."


def select(consistency: pd.DataFrame) -> pd.DataFrame:
    """task, sparsity, method, language, value, low, high; means over seeds, ends of intervals too.

    Seeds share their items, so that more of them do not narrow an interval.
    """
    rows = consistency[consistency["rankc"].notna()]
    keys = ["task", "sparsity", "method", "language"]
    cells = rows.groupby(keys).agg(
        value=("rankc", "mean"), low=("ci_low", "mean"), high=("ci_high", "mean")
    )
    return cells.reset_index()


def chance_levels(downstream: pd.DataFrame) -> dict[str, float]:
    """RankC of two random rankings by task; the number of choices is 1 / chance."""
    chance = downstream.dropna(subset="chance").groupby("task")["chance"].first()
    return {task: chance_consistency(round(1 / value)) for task, value in chance.items()}


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: consistency and downstream of one model."""
    table = tables["consistency"]
    rows = select(table)
    if rows.empty:
        return style.empty_figure(EMPTY)
    reference = style.language_label(table["reference"].iloc[0], grid)
    titles = {task: task for task in rows["task"].unique()}
    chance = {
        task: level
        for task, level in chance_levels(tables["downstream"]).items()
        if task in titles
    }  # fmt: skip
    label = f"RankC with {reference}"
    return language_panels.draw_panels(rows, titles, chance, label, grid)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    table = tables["consistency"]
    rows = select(table)
    if rows.empty:
        return document(EMPTY)
    reference = style.language_label(table["reference"].iloc[0], grid)
    shown = (
        f"RankC with {reference}, {model}: how alike the choices of an item are ranked by "
        f"log-likelihood in a language and in {reference}, right or wrong; 1 is the same ranking "
        "everywhere. The line across a language is the dense model; its band and the bars are "
        f"{grid.confidence:.0%} bootstrap intervals over items. Dotted: two random rankings. "
        f"{sides(rows, grid)}"
    )
    findings = []
    for method in style.method_order(rows["method"], grid):
        for sparsity, here in rows[rows["method"] == method].groupby("sparsity"):
            means = here.groupby("task")["value"].mean()
            ranges = ", ".join(f"{task} {number(value)}" for task, value in means.items())
            at = "" if method == DENSE else f" at {sparsity:g}"
            findings.append(f"{method}{at}: {ranges}.")
    return document(
        shown,
        f"Means over languages: {' '.join(findings)}",
        own_languages(rows["method"], grid),
        _against_baseline(table, grid),
        truncated(tables["downstream"], grid),
        f"{items(table)} {means_of_draws(table)}",
    )


def _against_baseline(table: pd.DataFrame, grid: Grid) -> str:
    """What the paired differences of RankC say, method by method."""
    compared = table[table["difference_to_baseline"].notna() & (table["method"] != grid.baseline)]
    parts = []
    for method in style.method_order(compared["method"], grid):
        here = compared[compared["method"] == method]
        above, below = (here["baseline_ci_low"] > 0).sum(), (here["baseline_ci_high"] < 0).sum()
        parts.append(
            f"{method} more consistent in {above}, less in {below} of {len(here)} comparisons"
        )
    if not parts:
        return ""
    return (
        f"Against {grid.baseline}, where the paired {grid.confidence:.0%} interval excludes 0 "
        f"(not corrected for their number): {'; '.join(parts)}."
    )
