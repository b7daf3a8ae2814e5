"""Accuracy on each downstream task by language and method."""

import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from multiprune.experiment.grid import Grid
from multiprune.figures import language_panels, style
from multiprune.figures.accuracies import (
    items,
    labels,
    means_of_draws,
    one_metric,
    sides,
    truncated,
)
from multiprune.figures.wording import Tables, document, own_languages

TABLES = ("downstream",)
STANDARD = True
TITLE = "Downstream tasks"
PLACE = 30
EMPTY = "No downstream task was evaluated."
LEVEL = 0.05  # of Holm's correction


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


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: downstream of one model."""
    rows = select(tables["downstream"], grid.confidence)
    if rows.empty:
        return style.empty_figure(EMPTY)
    by_task = rows.groupby("task")
    titles = {task: f"{task} ({metric})" for task, metric in by_task["metric"].first().items()}
    chance = by_task["chance"].first().dropna().to_dict()
    return language_panels.draw_panels(rows, titles, chance, "Accuracy", grid)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    table = tables["downstream"]
    rows = select(table, grid.confidence)
    if rows.empty:
        return document(EMPTY)
    shown = (
        f"Accuracy by task and language, {model}. The line across a language is the dense model, "
        f"its grey band and the bars of the methods are {grid.confidence:.0%} intervals of each "
        "accuracy by itself (normal, from the standard error over items). Runs answer the same "
        "items, so overlapping bars do not mean that two methods are alike: the paired tests below "
        f"decide. Dotted: a random choice. {sides(rows, grid)}"
    )
    best = one_metric(table)
    findings = [_tests(method, best, grid) for method in _compared(best, grid)]
    return document(
        shown,
        " ".join(findings),
        own_languages(rows["method"], grid),
        _missing(table, grid),
        truncated(table, grid),
        f"{items(best)} {means_of_draws(table)}",
    )


def _compared(rows: pd.DataFrame, grid: Grid) -> list[str]:
    return style.method_order(rows.loc[rows["p_value"].notna(), "method"], grid)


def _tests(method: str, rows: pd.DataFrame, grid: Grid) -> str:
    """How many of a method's paired tests against the baseline are clear after correction."""
    tests = rows[(rows["method"] == method) & rows["p_value"].notna()]
    clear = tests["p_holm"] < LEVEL
    better = int((clear & (tests["difference_to_baseline"] > 0)).sum())
    worse = int((clear & (tests["difference_to_baseline"] < 0)).sum())
    mean = 100 * tests["difference_to_baseline"].mean()
    return (
        f"{method} against {grid.baseline}: better in {better}, worse in {worse}, not "
        f"distinguishable in {len(tests) - better - worse} of {len(tests)} tests (exact McNemar, "
        f"Holm over the languages of a task, {LEVEL:g}); mean difference {mean:+.1f} points."
    )


def _missing(table: pd.DataFrame, grid: Grid) -> str:
    """Which languages a task does not have."""
    notes = table[table["note"].notna() & table["score"].isna()]
    if notes.empty:
        return ""
    by_task = notes.groupby("task")["language"]
    parts = [f"{task}: {labels(names, grid)}" for task, names in by_task]
    return f"Languages that a task does not have: {'; '.join(parts)}."
