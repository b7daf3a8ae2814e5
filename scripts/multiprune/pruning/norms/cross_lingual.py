"""Pooled norm plus its spread over languages, times the activation probability (M-Wanda)."""

import numpy as np

from multiprune.statistics.files import InputStatistics
from multiprune.statistics.merging import Shares, merge


def norm(
    statistics: InputStatistics,
    weighting: str = "tokens",
    shares: Shares | None = None,
    of: str = "norm",
    dispersion: str = "std",
    dispersion_weight: float = 0.25,
    activation_weight: float = 0.0,
    activation_on: str = "norm",
    activation_modules: str = "all",
) -> np.ndarray:
    """n_j and the two terms of M-Wanda. -> [channels].

    This project's readings of M-Wanda (Choenni & Titov 2025): channels whose activation differs
    between languages l, or that are active more often, count more. With lambda the
    `dispersion_weight`, gamma the `activation_weight` (0 switches it off), p_j the mean over
    languages of the activation probability, and D_j the dispersion, `activation_on` says where it
    counts:

    - norm: (n_j + lambda D_j) (1 + gamma p_j)
    - dispersion: n_j + lambda D_j (1 + gamma p_j)
    - added: n_j + lambda D_j + gamma p_j mean(n)

    D_j is the population standard deviation over languages, or the variance divided by mean(n), so
    that it has the norm's unit. `of` says of what: the languages' norms, or their means of x or |x|
    (`mean`, `mean_abs`), whose sums `statistics` then hold. `activation_modules: down` counts
    activity only at inputs of the down projection, whose channels are the network's neurons. tau
    stands in `statistics`, which were read at the method's `activation_threshold`.
    """
    merged = merge(statistics, weighting, shares, of)
    pooled = np.sqrt(merged.mean_square)
    level = pooled.mean() or 1.0
    spread = merged.variance / level if dispersion == "variance" else np.sqrt(merged.variance)
    counts = activation_modules == "all" or statistics.feeds_down_projection
    active = activation_weight * merged.activation_probability if counts else 0.0
    match activation_on:
        case "dispersion":
            return pooled + dispersion_weight * spread * (1 + active)
        case "added":
            return pooled + dispersion_weight * spread + active * level
        case _:
            return (pooled + dispersion_weight * spread) * (1 + active)
