"""The table `translation`: BLEU and chrF of what models translate, paired by sentence.

The sentences are a sample of those that could have been asked; an interval speaks of that choice
and of nothing else. All models are resampled alike, so that differences are paired (Koehn 2004).
"""

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.evaluation.downstream_runs import DownstreamRuns
from multiprune.evaluation.translations import resampled
from multiprune.experiment.grid import Grid
from multiprune.tables.sorting import in_order
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS

COLUMNS = [
    "model", "seed", "method", "sparsity", "task", "language", "role", "metric", "score",
    "score_ci_low", "score_ci_high", "items", "difference_to_dense", "ci_low", "ci_high",
    "difference_to_baseline", "baseline_ci_low", "baseline_ci_high", "note", "calibrated_on",
]  # fmt: skip
READS = ("downstream",)
NEEDS = "a translation task"
STANDARD = False
TITLE = "Translation"
PLACE = 31
CAPTION = """\
How well models translate into the reference language, by task, language and metric.

- **model, seed, method, sparsity, task, language**: the run, and the language that is translated
  from. Seed is the calibration draw; dense is repeated for every seed, other methods without
  calibration stand under one.
- **role**: the language's role in the config, the same for every method: calibration or unseen.
  **calibrated_on**: whether this method was calibrated on the language, yes or no.
- **metric**: bleu counts common words and phrases, chrf pieces of words; both by sacreBLEU over all
  sentences of a language, from 0 to 100. chrf tells more where translations are poor, short or few.
- **score**: of the model. **score_ci_low, score_ci_high**: its interval. **items**: sentences.
- **difference_to_dense**: score minus the dense model's. **ci_low, ci_high**: its interval.
- **difference_to_baseline**: score minus the baseline method's at the same seed and sparsity, empty
  where the baseline has none. **baseline_ci_low, baseline_ci_high**: its interval.
- **note**: why a task has no such language, and then all numbers are empty; or how many prompts
  were longer than the model's positions and lost their beginning.

Intervals: percentile bootstrap over the sentences of one language, the same ones for all models;
empty with fewer than three. They cover the choice of sentences only and are not corrected for their
number.
"""

KEYS = ["seed", "method", "sparsity", "task", "language", "metric"]


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per seed, method, sparsity, task, language and metric, and one per missing language."""
    runs = DownstreamRuns(results, model, grid)
    rows = []
    for task, settings in sorted(runs.translations.items()):
        for language in sorted(settings["languages"]):
            rows += _rows_of_language(runs, task, language)
        for language, reason in sorted(settings["missing"].items()):
            key = runs.cells(runs.dense(), task, language) | {"seed": runs.dense().seed}
            rows.append(key | {"role": grid.config_role(language), "note": reason})
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["items"] = table["items"].astype("Int64")  # a count, even beside the empty cells of notes
    return in_order(table, KEYS)


def _rows_of_language(runs: DownstreamRuns, task: str, language: str) -> Iterator[dict]:
    every = [run for run in runs.runs() if language in runs.languages(run, task)]
    records = {run: runs.record(run, task, language) for run in every}
    drawn = _draws(f"{task} {language}", len(next(iter(records.values())).ids), runs.grid.draws)
    for metric in sorted(next(iter(records.values())).counts):
        draws = {run: resampled(metric, one.counts[metric], drawn) for run, one in records.items()}
        for run, record in records.items():
            score = record.scores[metric][0]
            cells = {
                "role": runs.grid.config_role(language),
                "calibrated_on": runs.grid.calibrated_on(run.method, language),
                "metric": metric,
                "score": score,
                "items": len(record.ids),
                "note": _truncation(record.truncated),
            }
            cells |= _interval("score_ci", draws[run], runs.grid.confidence)
            for name, prefix, other in (
                ("dense", "ci", runs.dense()),
                ("baseline", "baseline_ci", runs.baseline(run)),
            ):
                if other is not None:
                    difference = draws[run] - draws[other]
                    cells[f"difference_to_{name}"] = score - records[other].scores[metric][0]
                    cells |= _interval(prefix, difference, runs.grid.confidence)
            key = runs.cells(run, task, language) | cells
            for seed in runs.table_seeds(run):
                yield key | {"seed": seed}


def _draws(name: str, items: int, draws: int) -> np.ndarray:
    """Numbers of drawn items [draws, items], seeded from the name alone; no draws if too few."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    count = draws if items >= FEWEST_ITEMS else 0
    return np.random.default_rng(seed).integers(items, size=(count, items))


def _interval(prefix: str, draws: np.ndarray, confidence: float) -> dict[str, float]:
    tail = (1 - confidence) / 2
    ends = np.quantile(draws, [tail, 1 - tail]) if len(draws) else (math.nan, math.nan)
    return {f"{prefix}_low": float(ends[0]), f"{prefix}_high": float(ends[1])}


def _truncation(truncated: int) -> str | None:
    return f"{truncated} prompts lost their beginning" if truncated else None
