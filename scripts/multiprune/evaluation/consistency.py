"""RankC, the cross-lingual consistency of answers.

Qi et al. (EMNLP 2023, "Cross-Lingual Consistency of Factual Knowledge in Multilingual Language
Models"), as Kim et al. use it: how alike a model ranks the choices of an item in two languages,
whether the ranking is right or not. Choices are ranked by their log-likelihood. It is not
normalised by length as in acc_norm, since the measure is defined on the model's own probabilities.

Kim et al.'s code sorts the choices ascending (src/evaluate_consistency.py), so that the largest
weight is on the least likely choice. That order is an option, to put their tables beside ours; with
two choices both orders give the same.
"""

import numpy as np
from scipy.special import softmax

from multiprune.errors import InputError
from multiprune.evaluation.downstream_runs import Record
from multiprune.experiment.harness_tasks import TASKS

# Tasks, and the kind of those built here, whose items are the same in every language. The harness
# has no English xcopa, so it needs another reference language to have rows.
PARALLEL = {"parallel_cloze", *(name for name, family in TASKS.items() if family.parallel)}
DESCENDING, ASCENDING = "descending", "ascending"  # in which choices are ranked
# Translators changed the right choice of a few XCOPA items; items that are not the same ones differ
# in at least half of their right choices.
MOST_CHANGED_TARGETS = 0.1


def is_parallel(task: str, settings: dict) -> bool:
    """Whether a task, as the grid describes it, asks the same items in every language."""
    return bool({task, settings.get("kind")} & PARALLEL)


def rank_consistency(
    scores: np.ndarray, reference: np.ndarray, ascending: bool = False
) -> np.ndarray:
    """RankC of each item, between 0 and 1. scores, reference [items, choices] -> [items].

    Qi et al. (2023): the sum over j = 1..N of w_j |top_j(a) and top_j(b)| / j with the weights
    w = softmax(N - j), N choices. Equal scores rank the earlier choice first in both. `ascending`
    ranks the least likely choice first, as Kim et al.'s code does.
    """
    if ascending:
        scores, reference = -scores, -reference
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


def paired_consistency(record: Record, reference: Record, order: str = DESCENDING) -> np.ndarray:
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
    return rank_consistency(scores[mine], others[theirs], order == ASCENDING)
