"""Squared pooled norm divided by the norm on the contrast set (Kim et al.)."""

import numpy as np

from multiprune.pruning.norms import pooled
from multiprune.statistics.files import InputStatistics
from multiprune.statistics.merging import Shares

FLOOR = 1e-6  # of the mean over channels: below it a channel counts as silent


def norm(
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
    other = pooled.norm(against)
    lowest = FLOOR * other.mean() or 1.0
    return pooled.norm(statistics, weighting, shares) ** 2 / np.maximum(other, lowest)
