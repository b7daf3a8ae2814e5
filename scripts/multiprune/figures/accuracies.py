"""What the figures of downstream tasks share: the metric that counts, and sentences on items."""

import pandas as pd

from multiprune.experiment.grid import DENSE, Grid
from multiprune.figures import style
from multiprune.figures.wording import ONE_DRAW, span

# Choices that differ in length are compared fairly only if their log-likelihood is divided by it.
METRICS = ("acc_norm", "acc")


def one_metric(downstream: pd.DataFrame) -> pd.DataFrame:
    """The rows of one metric for each task: acc_norm where it is reported, else acc."""
    rows = downstream[downstream["metric"].isin(METRICS) & downstream["score"].notna()]
    first = rows.groupby("task")["metric"].agg(lambda found: min(found, key=METRICS.index))
    return rows[rows["metric"] == rows["task"].map(first)]


def sides(rows: pd.DataFrame, grid: Grid) -> str:
    """Which languages stand left and which right, where there are both."""
    roles = {grid.config_role(name) for name in rows["language"]}
    if len(roles) < 2:
        return ""
    return (
        "Languages left of the thin line are calibration languages of the config, those at the "
        "right no method saw."
    )


def truncated(downstream: pd.DataFrame, grid: Grid) -> str:
    """Which scores are of prompts that the model could not read whole."""
    noted = downstream[downstream["note"].notna() & downstream["score"].notna()]
    if noted.empty:
        return ""
    by_note = noted.groupby(["task", "note"])["language"].unique()
    parts = [f"{task}: {note} ({labels(names, grid)})" for (task, note), names in by_note.items()]
    return f"Prompts longer than the model's positions: {'; '.join(parts)}."


def labels(names: pd.Series, grid: Grid) -> str:
    """Languages by name, sorted by code."""
    return ", ".join(style.language_label(name, grid) for name in sorted(names))


def items(rows: pd.DataFrame) -> str:
    """How many items a task has in a language."""
    return f"Items per task and language: {span(rows['items'])}."


def means_of_draws(table: pd.DataFrame) -> str:
    """How many calibration draws values are averaged over."""
    count = table.loc[table["method"] != DENSE, "seed"].nunique()
    if count < 2:
        return ONE_DRAW
    return f"Means over {count} calibration draws (seeds); methods without calibration have one."
