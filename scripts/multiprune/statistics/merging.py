"""Statistics of several languages as one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from multiprune.statistics.files import InputStatistics, LanguageStatistics

Shares = Mapping[str, float]  # what a language counts, by its name


@dataclass(frozen=True)
class Merged:
    """Statistics of several languages as one, [channels] each."""

    mean_square: np.ndarray  # of the tokens, languages weighted
    variance: np.ndarray  # of a statistic of the languages, over the population of languages
    activation_probability: np.ndarray | float  # mean over languages; 0 where none was read


def merge(
    statistics: InputStatistics,
    weighting: str = "tokens",
    shares: Shares | None = None,
    of: str = "norm",
) -> Merged:
    """Merge language by language: memory does not depend on how many there are.

    weighting: `tokens`, every token counts alike; `equal`, every language; `shares`, a language
    counts as much as `shares` says, 1 where it says nothing. The variance, Welford's (1962), is of
    the languages' norms, or of the means of the further sum that was read where `of` is no `norm`.
    """
    count, weights, squares, mean, deviations, active = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for count, language in enumerate(statistics, start=1):
        weight = _weight(language, weighting, shares or {})
        weights += weight
        squares = squares + language.sum_sq * (weight / language.tokens)
        value = language.norm if of == "norm" else language.mean
        difference = value - mean
        mean = mean + difference / count
        deviations = deviations + difference * (value - mean)
        if language.active is not None:
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
