"""RankC, the cross-lingual consistency of answers, and the table `consistency`.

Qi et al. (EMNLP 2023, "Cross-Lingual Consistency of Factual Knowledge in Multilingual Language
Models"), as Kim et al. use it: how alike a model ranks the choices of an item in two languages,
whether the ranking is right or not. Choices are ranked by their log-likelihood. It is not
normalised by length as in acc_norm, since the measure is defined on the model's own probabilities.

Items are resampled in pairs: an item's rankings in both languages stay together, so do those of two
methods that are compared. Every run of a task and language sees the same resamples.
"""

import hashlib
import math

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import softmax

from multiprune.errors import InputError
from multiprune.fetch.tasks.names import TASKS
from multiprune.files.tables import COLUMNS
from multiprune.tables.downstream_runs import DownstreamRuns, Record, Run

# Tasks, and the kind of those built here, whose items are the same in every language. The harness
# has no English xcopa, so it needs another reference language to have rows.
PARALLEL = {"parallel_cloze", *(name for name, family in TASKS.items() if family.parallel)}
FEWEST_ITEMS = 3
# Translators changed the right choice of a few XCOPA items; items that are not the same ones differ
# in at least half of their right choices.
MOST_CHANGED_TARGETS = 0.1
BATCH = 50  # resamples at a time, which bounds memory


def rank_consistency(scores: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """RankC of each item, between 0 and 1. scores, reference [items, choices] -> [items].

    Qi et al. (2023): the sum over j = 1..N of w_j |top_j(a) and top_j(b)| / j with the weights
    w = softmax(N - j), N choices. Equal scores rank the earlier choice first in both.
    """
    choices = scores.shape[1]
    places = np.maximum(_places(scores), _places(reference))  # (items, choices), from 0
    first = np.arange(1, choices + 1)
    common = (places[:, :, None] < first).sum(axis=1)  # (items, j)
    return common / first @ _weights(choices)


def chance_consistency(choices: int) -> float:
    """Mean RankC of two independent random rankings: E|top_j and top_j| / j = j / N."""
    return float(np.arange(1, choices + 1) / choices @ _weights(choices))


def _places(scores: np.ndarray) -> np.ndarray:
    """Place of each choice in its item's ranking, 0 for the highest score."""
    return np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)


def _weights(choices: int) -> np.ndarray:
    return softmax(choices - np.arange(1.0, choices + 1))


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


def tabulate_consistency(runs: DownstreamRuns) -> pd.DataFrame:
    """RankC with the reference language, a row per seed, method, sparsity, task and language."""
    reference = runs.grid.downstream.get("reference", "")
    rows = []
    for task, settings in sorted(runs.tasks.items()):
        if {task, settings.get("kind")} & PARALLEL and reference in settings["languages"]:
            for language in sorted(set(settings["languages"]) - {reference}):
                rows += _rows_of_language(runs, task, language, reference)
    table = pd.DataFrame(rows, columns=COLUMNS["consistency"])
    order = ["seed", "method", "sparsity", "task", "language"]
    return table.sort_values(
        order, key=lambda column: column.astype(float) if column.name == "sparsity" else column
    ).reset_index(drop=True)


def _rows_of_language(runs: DownstreamRuns, task: str, language: str, reference: str) -> list[dict]:
    every = runs.runs()
    values = np.array(
        [
            paired_consistency(runs.record(run, task, language), runs.record(run, task, reference))
            for run in every
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
        key = _key(runs, run, task, language) | {"reference": reference}
        cells["items"] = values.shape[1]
        rows += [key | cells | {"seed": seed} for seed in runs.table_seeds(run)]
    return rows


def _key(runs: DownstreamRuns, run: Run, task: str, language: str) -> dict:
    return {
        "model": runs.model,
        "method": run.method,
        "sparsity": run.sparsity,
        "task": task,
        "language": language,
    }


def paired_consistency(record: Record, reference: Record) -> np.ndarray:
    """RankC of the items that both languages have, in the order of their ids [items]."""
    _, mine, theirs = np.intersect1d(record.ids, reference.ids, return_indices=True)
    scores, others = record.log_likelihoods, reference.log_likelihoods
    if scores is None or others is None or scores.shape[1] != others.shape[1]:
        raise InputError(
            f"{record.path}: RankC needs log-likelihoods of the same choices as {reference.path}; "
            "evaluate both again"
        )
    changed = np.mean(record.target[mine] != reference.target[theirs]) if len(mine) else 0
    if changed > MOST_CHANGED_TARGETS:
        raise InputError(
            f"{record.path}: {changed:.0%} of its items have another right choice than in "
            f"{reference.path}, so ids do not pair the same items; evaluate both again"
        )
    return rank_consistency(scores[mine], others[theirs])
