"""The table `downstream`: accuracies, their paired differences and tests by language.

The model. A task has a fixed set of items in each language, and two runs (a pruned model and dense,
a method and the baseline) are compared on the same items, paired by id. The items are a sample of
those that could have been asked; an interval or a p-value speaks about that choice of items and
about nothing else. One calibration draw (seed) is one run with its own row: how much results vary
between draws is seen in the rows of several seeds, never by treating a draw as more items.

Languages are fixed, not a random sample of languages, and they are not independent repetitions of
one experiment: all are answered by the same weights, and in a parallel task the items are
translations of each other, so that a hard question is hard everywhere. Hence no p-value is computed
over languages as if they were a sample. Each language is tested on its own (exact McNemar test of
the discordant items), and the p-values of one (method, sparsity, seed, task, metric) are corrected
over its languages by Holm's procedure, which holds under any dependence between them. A mean over
languages of a parallel task would have to resample an item in all languages at once.

Another family is not corrected for: a reader who looks through ten methods and eight tasks for the
smallest p_holm still has to expect false alarms.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.evaluation.downstream_runs import DownstreamRuns, Record, Run
from multiprune.experiment.grid import Grid
from multiprune.tables.sorting import in_order
from multiprune.uncertainty.accuracies import difference_interval, exact_mcnemar, holm

COLUMNS = [
    "model", "seed", "method", "sparsity", "task", "language", "role", "metric", "score", "stderr",
    "chance", "items", "difference_to_dense", "ci_low", "ci_high", "difference_to_baseline",
    "baseline_ci_low", "baseline_ci_high", "p_value", "p_holm", "note", "calibrated_on",
]  # fmt: skip
READS = ("downstream",)
NEEDS = "evaluation.downstream"
STANDARD = False
TITLE = "Downstream tasks"
PLACE = 30
CAPTION = """\
Downstream scores of every evaluated model, by task, language and metric.

- **model, seed, method, sparsity, task, language**: the run. Seed is the calibration draw; dense is
  repeated for every seed, other methods without calibration stand under one.
- **role**: the language's role in the config, the same for every method: calibration or unseen.
  **calibrated_on**: whether this method was calibrated on the language, yes or no.
- **metric**: acc picks the choice with the highest log-likelihood, acc_norm divides it by the
  choice's length first. **score, stderr**: as the harness reports them. **chance**: accuracy of a
  random choice, empty where there is none. **items**: questions asked.
- **difference_to_dense**: score minus the dense model's. **ci_low, ci_high**: its interval.
- **difference_to_baseline**: score minus the baseline method's at the same seed and sparsity, empty
  where the baseline has none. **baseline_ci_low, baseline_ci_high**: its interval.
- **p_value**: exact McNemar test against the baseline, from the items that only one of the two
  answers rightly. **p_holm**: corrected by Holm's procedure over the languages of one seed, method,
  sparsity, task and metric; other families (methods, tasks) are not corrected for.
- **note**: why a task has no such language, and then all numbers are empty; or how many items had a
  prompt longer than the model's positions, which lost its beginning.

Intervals are for paired proportions (Bonett and Price) over the items of one language. They cover
the choice of items only, not the calibration text, the languages or the model. Languages are not
independent samples of one effect: they share the weights and often the items.
"""

KEYS = ["seed", "method", "sparsity", "task", "language", "metric"]


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per seed, method, sparsity, task, language and metric, and one per missing language."""
    runs = DownstreamRuns(results, model, grid)
    rows = [
        row | {"seed": seed}
        for run in runs.runs()
        for task in sorted(runs.tasks)
        for row in _rows_of_task(runs, run, task)
        for seed in runs.table_seeds(run)
    ]
    rows += _notes(runs)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["items"] = table["items"].astype("Int64")  # a count, even beside the empty cells of notes
    return in_order(table, KEYS)


def _rows_of_task(runs: DownstreamRuns, run: Run, task: str) -> list[dict]:
    """One run's rows of one task, with the p-values of each metric corrected over languages."""
    rows = []
    for language in runs.languages(run, task):
        key = runs.cells(run, task, language) | {
            "role": runs.grid.config_role(language),
            "calibrated_on": runs.grid.calibrated_on(run.method, language),
        }
        rows += [key | cells for cells in _metrics(runs, run, task, language)]
    for metric in {row["metric"] for row in rows}:
        family = [row for row in rows if row["metric"] == metric and not math.isnan(row["p_value"])]
        adjusted = holm(np.array([row["p_value"] for row in family]))
        for row, p_holm in zip(family, adjusted, strict=True):
            row["p_holm"] = float(p_holm)
    return rows


def _metrics(runs: DownstreamRuns, run: Run, task: str, language: str) -> Iterator[dict]:
    record = runs.record(run, task, language)
    dense = runs.record(runs.dense(), task, language)
    other = runs.baseline(run)
    baseline = None if other is None else runs.record(other, task, language)
    for metric, (score, stderr) in sorted(record.scores.items()):
        to_dense = _compare(record, dense, metric, runs.grid.confidence)
        to_baseline = _compare(record, baseline, metric, runs.grid.confidence)
        yield {
            "metric": metric,
            "score": score,
            "stderr": stderr,
            "chance": record.chance if metric in record.correct else math.nan,
            "items": len(record.ids),
            "difference_to_dense": to_dense[0],
            "ci_low": to_dense[1],
            "ci_high": to_dense[2],
            "difference_to_baseline": to_baseline[0],
            "baseline_ci_low": to_baseline[1],
            "baseline_ci_high": to_baseline[2],
            "p_value": _p_value(record, baseline, metric),
            "note": _truncation(record),
        }


def _compare(
    record: Record, other: Record | None, metric: str, confidence: float
) -> tuple[float, float, float]:
    """Difference of a metric and its interval; a run against itself differs by exactly 0."""
    if other is None or metric not in other.scores:
        return math.nan, math.nan, math.nan
    if other is record:
        return 0.0, 0.0, 0.0
    difference = record.scores[metric][0] - other.scores[metric][0]
    if metric not in record.correct or metric not in other.correct:
        return difference, math.nan, math.nan
    pair = record.correct[metric], other.correct[metric]
    return difference, *difference_interval(*pair, confidence)


def _p_value(record: Record, baseline: Record | None, metric: str) -> float:
    if baseline is None or baseline is record:
        return math.nan
    if metric not in record.correct or metric not in baseline.correct:
        return math.nan
    return exact_mcnemar(record.correct[metric], baseline.correct[metric])


def _truncation(record: Record) -> str | None:
    if not record.truncated:
        return None
    return f"the prompts of {record.truncated} of {len(record.ids)} items lost their beginning"


def _notes(runs: DownstreamRuns) -> Iterator[dict]:
    """A row with the reason for each language that a task does not have."""
    for task, settings in sorted(runs.tasks.items()):
        for language, reason in sorted(settings["missing"].items()):
            yield runs.cells(runs.dense(), task, language) | {
                "seed": runs.dense().seed,
                "role": runs.grid.config_role(language),
                "note": reason,
            }
