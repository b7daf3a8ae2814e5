"""RankC: how alike a model ranks the choices in a language and in the reference language."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from multiprune.experiment.grid import Grid
from multiprune.figures import language_panels, style
from multiprune.tables.consistency import chance_consistency

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


def draw(tables: Mapping[str, pd.DataFrame], grid: Grid) -> Figure:
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
