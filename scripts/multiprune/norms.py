"""What to make of the activations of input channel j: statistics of several languages -> n_j."""

import numpy as np

from multiprune.registry import Registry
from multiprune.statistics_files import InputStatistics

NORMS = Registry("norm")

FLOOR = 1e-6  # of the mean over channels: below it a channel counts as silent


@NORMS.register("pooled")
def pooled(statistics: InputStatistics, weighting: str = "tokens") -> np.ndarray:
    """n_j = sqrt(sum over languages and tokens of x_tj^2 / number of tokens). -> [channels].

    Ranks weights as Wanda's ||X_j||_2 does (Sun et al. 2024). `weighting: equal` takes the mean
    over languages of their mean squares, so that no language dominates by volume.
    """
    if weighting == "equal":
        return np.sqrt(statistics.mean_square.mean(axis=0))
    return np.sqrt(statistics.sum_sq.sum(axis=0) / statistics.tokens.sum())


@NORMS.register("cross_lingual")
def cross_lingual(
    statistics: InputStatistics,
    weighting: str = "tokens",
    dispersion: str = "std",
    dispersion_weight: float = 0.25,
    activation_weight: float = 0.0,
    activation_modules: str = "all",
) -> np.ndarray:
    """(n_j + lambda * dispersion_l(n_j^l)) * (1 + gamma * mean_l p_j^l). -> [channels].

    This project's reading of M-Wanda (Choenni & Titov 2025): channels whose norm n_j^l differs
    between languages l, or that are active more often, count more. lambda is `dispersion_weight`,
    gamma `activation_weight` (0 switches the factor off); the dispersion is the population
    standard deviation or variance over languages. `activation_modules: down` applies the factor
    only to inputs of the down projection, whose channels are the network's neurons. tau stands in
    `statistics`, which were read at the method's `activation_threshold`.
    """
    by_language = np.sqrt(statistics.mean_square)  # (languages, channels)
    spread = by_language.var(axis=0) if dispersion == "variance" else by_language.std(axis=0)
    norm = pooled(statistics, weighting) + dispersion_weight * spread
    if activation_weight and (activation_modules == "all" or statistics.feeds_down_projection):
        norm = norm * (1 + activation_weight * statistics.activation_probability.mean(axis=0))
    return norm


@NORMS.register("contrast")
def contrast(
    statistics: InputStatistics, against: InputStatistics, weighting: str = "tokens"
) -> np.ndarray:
    """n_j^2 / m_j (Kim et al. 2024, for models trained on code). -> [channels].

    n is the pooled norm of `statistics`, the method's sets, and m that of `against`, the contrast
    set: channels count less the more the contrast set uses them too. m is at least FLOOR of its
    mean, so that a channel that only the method's sets use gets a large but finite number; where
    n_j = 0 the result is 0. With m = 0 in every channel there is nothing to contrast: n_j^2.
    """
    other = pooled(against)
    lowest = FLOOR * other.mean() or 1.0
    return pooled(statistics, weighting) ** 2 / np.maximum(other, lowest)


def language_correlation(statistics: InputStatistics) -> np.ndarray:
    """Pearson correlation over channels of the languages' norms n^l. -> [languages, languages].

    nan where a language's norm is the same in every channel.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(np.sqrt(statistics.mean_square))
