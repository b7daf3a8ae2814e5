"""Accuracy on each downstream task by language and method."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from multiprune.experiment.grid import Grid
from multiprune.figures import language_panels, style

EMPTY = "No downstream task was evaluated."
# Choices that differ in length are compared fairly only if their log-likelihood is divided by it.
METRICS = ("acc_norm", "acc")


def one_metric(downstream: pd.DataFrame) -> pd.DataFrame:
    """The rows of one metric for each task: acc_norm where it is reported, else acc."""
    rows = downstream[downstream["metric"].isin(METRICS) & downstream["score"].notna()]
    first = rows.groupby("task")["metric"].agg(lambda found: min(found, key=METRICS.index))
    return rows[rows["metric"] == rows["task"].map(first)]


def select(downstream: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """task, sparsity, method, language, metric, chance, value, low, high; means over seeds.

    The interval is value -+ z standard errors, within 0 and 1. Seeds share their items, so that
    more of them do not narrow it: their standard errors are averaged.
    """
    rows = one_metric(downstream)
    keys = ["task", "sparsity", "method", "language", "metric"]
    cells = rows.groupby(keys).agg(
        value=("score", "mean"), error=("stderr", "mean"), chance=("chance", "first")
    )
    half = stats.norm.ppf((1 + confidence) / 2) * cells.pop("error")
    cells["low"] = (cells["value"] - half).clip(lower=0)
    cells["high"] = (cells["value"] + half).clip(upper=1)
    return cells.reset_index()


def draw(tables: Mapping[str, pd.DataFrame], grid: Grid) -> Figure:
    """tables: downstream of one model."""
    rows = select(tables["downstream"], grid.confidence)
    if rows.empty:
        return style.empty_figure(EMPTY)
    by_task = rows.groupby("task")
    titles = {task: f"{task} ({metric})" for task, metric in by_task["metric"].first().items()}
    chance = by_task["chance"].first().dropna().to_dict()
    return language_panels.draw_panels(rows, titles, chance, "Accuracy", grid)
