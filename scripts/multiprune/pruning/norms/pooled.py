"""Root mean square of each input channel over all languages (Wanda)."""

import numpy as np

from multiprune.statistics.files import InputStatistics
from multiprune.statistics.merging import Shares, merge


def norm(
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
