"""What to make of the activations of input channel j: statistics of several languages -> n_j."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from multiprune.registry import Registry
from multiprune.statistics.files import InputStatistics, LanguageStatistics

NORMS = Registry("norm")

Shares = Mapping[str, float]  # what a language counts, by its name
FLOOR = 1e-6  # of the mean over channels: below it a channel counts as silent


@dataclass(frozen=True)
class Merged:
    """Statistics of several languages as one, [channels] each."""

    mean_square: np.ndarray  # of the tokens, languages weighted
    variance: np.ndarray  # of the languages' norms, over the population of languages
    activation_probability: np.ndarray  # mean over languages


def merge(
    statistics: InputStatistics,
    weighting: str = "tokens",
    shares: Shares | None = None,
) -> Merged:
    """Merge language by language: memory does not depend on how many there are.

    weighting: `tokens`, every token counts alike; `equal`, every language; `shares`, a language
    counts as much as `shares` says, 1 where it says nothing. The variance is Welford's (1962).
    """
    count, weights, squares, mean, deviations, active = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for count, language in enumerate(statistics, start=1):
        weight = _weight(language, weighting, shares or {})
        weights += weight
        squares = squares + language.sum_sq * (weight / language.tokens)
        norm = language.norm
        difference = norm - mean
        mean = mean + difference / count
        deviations = deviations + difference * (norm - mean)
        active = active + language.activation_probability
    return Merged(squares / weights, deviations / count, active / count)


def _weight(language: LanguageStatistics, weighting: str, shares: Shares) -> float:
    match weighting:
        case "tokens":
            return language.tokens
        case "shares":
            return shares.get(language.name, 1.0)
        case _:
            return 1.0


@NORMS.register("pooled")
def pooled(
    statistics: InputStatistics,
    weighting: str = "tokens",
    shares: Shares | None = None,
) -> np.ndarray:
    """n_j = sqrt(sum over languages and tokens of x_tj^2 / number of tokens). -> [channels].

    Ranks weights as Wanda's ||X_j||_2 does (Sun et al. 2024). `weighting: equal` takes the mean
    over languages of their mean squares, so that no language dominates by volume; `shares` the
    mean weighted by given shares.
    """
    return np.sqrt(merge(statistics, weighting, shares).mean_square)


@NORMS.register("cross_lingual")
def cross_lingual(
    statistics: InputStatistics,
    weighting: str = "tokens",
    shares: Shares | None = None,
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
    merged = merge(statistics, weighting, shares)
    spread = merged.variance if dispersion == "variance" else np.sqrt(merged.variance)
    norm = np.sqrt(merged.mean_square) + dispersion_weight * spread
    if activation_weight and (activation_modules == "all" or statistics.feeds_down_projection):
        norm = norm * (1 + activation_weight * merged.activation_probability)
    return norm


@NORMS.register("contrast")
def contrast(
    statistics: InputStatistics,
    against: InputStatistics,
    weighting: str = "tokens",
    shares: Shares | None = None,
) -> np.ndarray:
    """n_j^2 / m_j (Kim et al. 2024, for models trained on code). -> [channels].

    n is the pooled norm of `statistics`, the method's sets, and m that of `against`, the contrast
    set: channels count less the more the contrast set uses them too. m is at least FLOOR of its
    mean, so that a channel that only the method's sets use gets a large but finite number; where
    n_j = 0 the result is 0. With m = 0 in every channel there is nothing to contrast: n_j^2.
    """
    other = pooled(against)
    lowest = FLOOR * other.mean() or 1.0
    return pooled(statistics, weighting, shares) ** 2 / np.maximum(other, lowest)
