"""Pooled norm plus its spread over languages, times the activation probability (M-Wanda)."""

import numpy as np

from multiprune.statistics.files import InputStatistics
from multiprune.statistics.merging import Shares, merge


def norm(
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
    found = np.sqrt(merged.mean_square) + dispersion_weight * spread
    if activation_weight and (activation_modules == "all" or statistics.feeds_down_projection):
        found = found * (1 + activation_weight * merged.activation_probability)
    return found
