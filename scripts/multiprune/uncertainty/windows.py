"""Intervals of perplexity ratios: a paired percentile bootstrap over test windows.

The model. Two runs are compared on the same test windows, so the unit that is resampled is the
window, with both runs' losses kept together. With window losses a_w, b_w (nats) and tokens t_w,

    log(perplexity_a / perplexity_b) = sum_w (a_w - b_w) / sum_w t_w.

For a geometric mean over languages the languages are fixed, not a sample of all languages:
windows are resampled within each language (a stratified bootstrap) and the languages' log ratios
are averaged draw by draw. The generator is seeded from the language's name alone, so every method
and every seed sees the same resamples; several seeds of a language are averaged within a draw.

So an interval covers the choice of test items and nothing else: not the calibration text, not the
choice of languages or of the model. With few windows a percentile interval is too narrow: in a
simulation with one language and normal differences a 95% interval held the truth in 82% of cases
with 5 windows, 91% with 10 and 93% with 40.
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

FEWEST_WINDOWS = 3


def log_ratio(losses: np.ndarray, reference: np.ndarray, tokens: np.ndarray) -> float:
    """Logarithm of the ratio of two perplexities. losses, reference (nats), tokens [windows]."""
    return float(_log_ratio(losses - reference, tokens))


def resampled_log_ratios(
    losses: np.ndarray, reference: np.ndarray, tokens: np.ndarray, language: str, draws: int
) -> np.ndarray | None:
    """Bootstrap distribution of `log_ratio` [draws]; None with fewer than three windows."""
    if len(tokens) < FEWEST_WINDOWS:
        return None
    seed = int.from_bytes(hashlib.sha256(language.encode()).digest()[:8], "big")
    result = stats.bootstrap(
        (losses - reference, tokens),
        _log_ratio,
        n_resamples=draws,
        vectorized=True,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return result.bootstrap_distribution


def ratio_interval(
    distributions: Sequence[np.ndarray | None], confidence: float
) -> tuple[float, float]:
    """Percentile interval of the geometric mean of ratios, from log ratios [draws] of each.

    (nan, nan) where there is nothing to average or where one distribution is missing.
    """
    if not distributions or any(distribution is None for distribution in distributions):
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.mean(distributions, axis=0), [tail, 1 - tail])
    return math.exp(low), math.exp(high)


def _log_ratio(difference: np.ndarray, tokens: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.sum(difference, axis=axis) / np.sum(tokens, axis=axis)
