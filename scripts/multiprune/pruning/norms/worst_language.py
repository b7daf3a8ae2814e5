"""The largest of the languages' norms of each input channel."""

import numpy as np

from multiprune.statistics.files import InputStatistics


def norm(statistics: InputStatistics, scale: str = "none") -> np.ndarray:
    """n_j = max over languages l of n_j^l. -> [channels].

    The rule of Lang-Prune (Liang et al., COLM 2026), made for structured pruning, on Wanda's norms.
    scale: `none`, as its code does; `mean` divides each language's norms by their mean before;
    `min_max` scales them to [0, 1], as its description does. A language whose norms are all 0, or
    with `min_max` all equal, has no say.
    """
    highest = 0.0
    for language in statistics:
        found = language.norm
        if scale == "min_max":
            found = found - found.min()
        divisor = {"none": 1.0, "mean": found.mean(), "min_max": found.max()}[scale]
        if divisor > 0:
            highest = np.maximum(highest, found / divisor)
    return highest * np.ones_like(found)
