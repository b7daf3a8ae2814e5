"""Two runs compared on the same items: interval and exact test of a difference of accuracies.

Only the discordant items, those that one run answers rightly and the other does not, carry
information about the difference. A bootstrap of items would return an interval of width zero when
two runs agree on all 40 items of a small test, so the interval is a closed form that does not.
"""

import numpy as np
from scipy import stats
from scipy.special import ndtri


def difference_interval(
    correct: np.ndarray, reference: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Interval of accuracy(correct) - accuracy(reference). correct, reference: bool [items].

    Bonett and Price (2012), one of the intervals that Fagerland, Lydersen and Laake (2014)
    recommend for paired proportions: a Wald interval from p = (gained + 1) / (n + 2) and
    q = (lost + 1) / (n + 2),  p - q ± z sqrt((p + q - (p - q)^2) / (n + 2)), within [-1, 1].
    """
    gained, lost = _discordant(correct, reference)
    items = len(correct) + 2
    p, q = (gained + 1) / items, (lost + 1) / items
    half = ndtri((1 + confidence) / 2) * np.sqrt((p + q - (p - q) ** 2) / items)
    return max(-1.0, float(p - q - half)), min(1.0, float(p - q + half))


def exact_mcnemar(correct: np.ndarray, reference: np.ndarray) -> float:
    """Two-sided p-value that gains and losses are equally likely; 1 without discordant items."""
    gained, lost = _discordant(correct, reference)
    return float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def holm(p_values: np.ndarray) -> np.ndarray:
    """P-values of one family [tests], adjusted so that its family-wise error is controlled.

    Holm (1979): the i-th smallest of m (from 0) is multiplied by m - i, then made monotone.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return adjusted


def _discordant(correct: np.ndarray, reference: np.ndarray) -> tuple[int, int]:
    return int(np.sum(correct & ~reference)), int(np.sum(~correct & reference))
