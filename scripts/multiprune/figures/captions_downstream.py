"""Captions of the downstream figures; every number is computed from the tables that are drawn."""

from collections.abc import Mapping

import pandas as pd

from multiprune.experiment.grid import DENSE, Grid
from multiprune.figures import (
    consistency_rankc,
    downstream_by_language,
    perplexity_against_accuracy,
    style,
)
from multiprune.figures.wording import document, number

Tables = Mapping[str, pd.DataFrame]
LEVEL = 0.05  # of Holm's correction


def accuracy_by_language(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `downstream_by_language`."""
    table = tables["downstream"]
    rows = downstream_by_language.select(table, grid.confidence)
    if rows.empty:
        return document(downstream_by_language.EMPTY)
    shown = (
        f"Accuracy by task and language, {model}. The line across a language is the dense model, "
        f"its grey band and the bars of the methods are {grid.confidence:.0%} intervals of each "
        "accuracy by itself (normal, from the standard error over items). Runs answer the same "
        "items, so overlapping bars do not mean that two methods are alike: the paired tests below "
        f"decide. Dotted: a random choice. {_languages(rows, grid)}"
    )
    best = downstream_by_language.one_metric(table)
    findings = [_tests(method, best, grid) for method in _compared(best, grid)]
    return document(
        shown,
        " ".join(findings),
        _missing(table, grid),
        _truncated(table, grid),
        f"Items per task and language: {_range(best['items'])}. {_seeds(table)}",
    )


def consistency_with_reference(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `consistency_rankc`."""
    table = tables["consistency"]
    rows = consistency_rankc.select(table)
    if rows.empty:
        return document(consistency_rankc.EMPTY)
    reference = style.language_label(table["reference"].iloc[0], grid)
    shown = (
        f"RankC with {reference}, {model}: how alike the choices of an item are ranked by "
        f"log-likelihood in a language and in {reference}, right or wrong; 1 is the same ranking "
        "everywhere. The line across a language is the dense model; its band and the bars are "
        f"{grid.confidence:.0%} bootstrap intervals over items. Dotted: two random rankings. "
        f"{_languages(rows, grid)}"
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
        _against_baseline(table, grid),
        _truncated(tables["downstream"], grid),
        f"Items per task and language: {_range(table['items'])}. {_seeds(table)}",
    )


def trade_off(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `perplexity_against_accuracy`."""
    points = perplexity_against_accuracy.select(tables["downstream"], tables["perplexity"])
    if points.empty:
        return document(perplexity_against_accuracy.EMPTY)
    shown = (
        f"What pruning costs in perplexity and in accuracy, {model}: a mark is one method in one "
        "language, further right is a higher perplexity, further up a lower accuracy than the "
        f"dense model. Bars are paired {grid.confidence:.0%} intervals over test windows and over "
        f"items (ends averaged over seeds), left out where a panel has more than "
        f"{perplexity_against_accuracy.MOST_BARS} marks."
    )
    if points.groupby("task")["language"].nunique().max() > perplexity_against_accuracy.MEANS:
        shown += " A large mark is a method's mean over the languages."
    means = perplexity_against_accuracy.method_means(points)
    findings = []
    for (task, sparsity), here in means.groupby(["task", "sparsity"]):
        costs = "; ".join(
            f"{row.method} {number(row.ratio)} times, {row.loss:+.1f} points"
            for row in here.set_index("method")
            .loc[style.method_order(here["method"], grid)]
            .reset_index()
            .itertuples()
        )
        findings.append(f"{task} at sparsity {sparsity:g}: {costs}.")
    return document(
        shown,
        "Perplexity relative to dense and accuracy lost, means over languages. "
        + " ".join(findings),
        _correlations(points),
        _truncated(tables["downstream"], grid),
        _seeds(tables["downstream"]),
    )


def _correlations(points: pd.DataFrame) -> str:
    """Rank correlation of both losses by task, where there are enough marks to have one."""
    parts = []
    for task, here in points.groupby("task"):
        if len(here) > 2 and here["ratio"].nunique() > 1 and here["loss"].nunique() > 1:
            rank = here["ratio"].corr(here["loss"], method="spearman")
            parts.append(f"{task} {rank:.2f} ({len(here)} marks)")
    if not parts:
        return ""
    return (
        f"Rank correlation (Spearman) of the two: {', '.join(parts)}. The marks share model and "
        "items, so it has no p-value."
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


def _languages(rows: pd.DataFrame, grid: Grid) -> str:
    roles = {grid.config_role(name) for name in rows["language"]}
    if len(roles) < 2:
        return ""
    return "Languages left of the thin line are calibration languages of the config, right unseen."


def _truncated(table: pd.DataFrame, grid: Grid) -> str:
    """Which scores are of prompts that the model could not read whole."""
    noted = table[table["note"].notna() & table["score"].notna()]
    if noted.empty:
        return ""
    parts = [
        f"{task}: {note} ({', '.join(style.language_label(name, grid) for name in sorted(names))})"
        for (task, note), names in noted.groupby(["task", "note"])["language"].unique().items()
    ]
    return f"Prompts longer than the model's positions: {'; '.join(parts)}."


def _missing(table: pd.DataFrame, grid: Grid) -> str:
    notes = table[table["note"].notna() & table["score"].isna()]
    if notes.empty:
        return ""
    by_task = notes.groupby("task")["language"]
    parts = [
        f"{task}: {', '.join(style.language_label(name, grid) for name in sorted(names))}"
        for task, names in by_task
    ]
    return f"Languages that a task does not have: {'; '.join(parts)}."


def _range(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _seeds(table: pd.DataFrame) -> str:
    count = table.loc[table["method"] != DENSE, "seed"].nunique()
    if count < 2:
        return "One calibration draw (seed)."
    return f"Means over {count} calibration draws (seeds); methods without calibration have one."
