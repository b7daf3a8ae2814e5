"""The table `consistency`: RankC of every evaluated model, with intervals.

Items are resampled in pairs: an item's rankings in both languages stay together, so do those of two
methods that are compared. Every run of a task and language sees the same resamples.
"""

import hashlib
import math
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from multiprune.evaluation.consistency import DESCENDING, is_parallel, paired_consistency
from multiprune.evaluation.downstream_runs import DownstreamRuns
from multiprune.experiment.grid import Grid
from multiprune.tables.sorting import in_order
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS

COLUMNS = [
    "model", "seed", "method", "sparsity", "task", "language", "reference", "rankc", "ci_low",
    "ci_high", "items", "difference_to_baseline", "baseline_ci_low", "baseline_ci_high",
]  # fmt: skip
READS = ("downstream",)
NEEDS = "evaluation.downstream"
STANDARD = False
TITLE = "Consistency of answers"
PLACE = 35
CAPTION = """\
RankC: how alike a model ranks the choices of the same item in a language and in the reference
language, whether right or wrong. Only tasks whose items are the same in both languages have it.

- **model, seed, method, sparsity, task, language**: the run. Seed is the calibration draw; dense is
  repeated for every seed, other methods without calibration stand under one.
- **reference**: the language that is compared with, under the same model.
- **rankc**: mean over items of the share of common choices among the first j of both rankings,
  averaged over j with weights softmax(N - j) for N choices; 1 is the same ranking in every item.
  Two random rankings have 0.63 with two choices, 0.47 with three and 0.38 with four. Choices are
  ranked by log-likelihood, not divided by their length; the likeliest first, unless the config's
  ``rankc_order`` is ascending, as in Kim et al.'s code. **ci_low, ci_high**: its interval.
- **items**: items that both languages have.
- **difference_to_baseline**: RankC minus the baseline method's at the same seed and sparsity, empty
  where the baseline has none. **baseline_ci_low, baseline_ci_high**: its interval.

Intervals: percentile bootstrap over items, both rankings of an item kept together; empty with fewer
than three items. They cover the choice of items only and are not corrected for their number.
"""

KEYS = ["seed", "method", "sparsity", "task", "language"]
BATCH = 50  # resamples at a time, which bounds memory


def resampled_means(values: np.ndarray, name: str, draws: int) -> np.ndarray:
    """Bootstrap distributions of means over items. values [runs, items] -> [runs, draws].

    The generator is seeded from `name` alone, and all runs share each resample. nan with fewer
    than three items.
    """
    if values.shape[1] < FEWEST_ITEMS:
        return np.full((len(values), draws), math.nan)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    result = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=draws,
        batch=BATCH,
        vectorized=True,
        axis=-1,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return result.bootstrap_distribution


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """RankC with the reference language, a row per seed, method, sparsity, task and language."""
    runs = DownstreamRuns(results, model, grid)
    reference = grid.downstream.get("reference", "")
    rows = []
    for task, settings in sorted(runs.tasks.items()):
        if is_parallel(task, settings) and reference in settings["languages"]:
            for language in sorted(set(settings["languages"]) - {reference}):
                rows += _rows_of_language(runs, task, language, reference)
    return in_order(pd.DataFrame(rows, columns=COLUMNS), KEYS)


def _rows_of_language(runs: DownstreamRuns, task: str, language: str, reference: str) -> list[dict]:
    order = runs.grid.downstream.get("rankc_order", DESCENDING)
    every = [run for run in runs.runs() if language in runs.languages(run, task)]
    values = np.array(
        [
            paired_consistency(
                runs.record(run, task, language), runs.record(run, task, reference), order
            )
            for run in (runs.in_language(run, language) for run in every)
        ]
    )  # (runs, items)
    distributions = resampled_means(values, f"{task} {language}", runs.grid.draws)
    tail = (1 - runs.grid.confidence) / 2
    place = {run: index for index, run in enumerate(every)}

    def interval(distribution: np.ndarray) -> tuple[float, float]:
        low, high = np.quantile(distribution, [tail, 1 - tail])
        return float(low), float(high)

    rows = []
    for index, run in enumerate(every):
        mean = values[index].mean() if values.shape[1] else math.nan
        low, high = interval(distributions[index])
        cells = {"rankc": float(mean), "ci_low": low, "ci_high": high}
        if (other := runs.baseline(run)) is not None and values.shape[1]:
            low, high = interval(distributions[index] - distributions[place[other]])
            cells["difference_to_baseline"] = float(mean - values[place[other]].mean())
            cells |= {"baseline_ci_low": low, "baseline_ci_high": high}
        key = runs.cells(run, task, language) | {"reference": reference}
        cells["items"] = values.shape[1]
        rows += [key | cells | {"seed": seed} for seed in runs.table_seeds(run)]
    return rows
