"""How alike languages are by the norms of their activations."""

from collections.abc import Sequence

import numpy as np

from multiprune.statistics.files import InputStatistics


def language_correlation(statistics: InputStatistics) -> np.ndarray:
    """Pearson correlation over channels of the languages' norms n^l. -> [languages, languages].

    nan where a language's norm is the same in every channel.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(statistics.norms)


def summed_correlation(statistics: InputStatistics) -> tuple[float, int]:
    """Sum over pairs of languages of `language_correlation`, and the number of pairs.

    Language by language: with norms centred and scaled to length 1, u^l, the correlations of all
    pairs add up to (|sum_l u^l|^2 - languages) / 2. A language whose norm is the same in every
    channel has no correlation and is left out.
    """
    total, count = 0.0, 0
    for language in statistics:
        deviation = language.norm - language.norm.mean()
        if length := np.sqrt(deviation @ deviation):
            total = total + deviation / length
            count += 1
    return float(np.dot(total, total) - count) / 2, count * (count - 1) // 2


def summed_score_correlation(
    statistics: InputStatistics, mean_abs: np.ndarray, mean_square: np.ndarray
) -> tuple[float, int]:
    """`summed_correlation` of the scores |W_ij| n_j^l over all weights of a matrix.

    mean_abs, mean_square: of |W_ij| and W_ij^2 over the rows i, [channels]. With them the
    covariance of two languages' scores is that of n^l and n^l' under weights, so that no score is
    computed.
    """
    total, count = 0.0, 0
    for language in statistics:
        mean = (mean_abs * language.norm).mean()
        variance = (mean_square * language.norm**2).mean() - mean**2
        if variance > 1e-12 * mean**2:
            total = total + language.norm / np.sqrt(variance)
            count += 1
    if not count:
        return 0.0, 0
    squared = (mean_square * total**2).mean() - (mean_abs * total).mean() ** 2
    return float(squared - count) / 2, count * (count - 1) // 2


def block_correlation(sums: Sequence[tuple[float, int]]) -> float:
    """Mean correlation over a block's module inputs and over pairs of languages.

    Each element is a sum over pairs and their number, as from `summed_correlation`: a pair
    whose correlation is undefined counts in neither. A block without any pair counts as 0.
    """
    totals, pairs = zip(*sums, strict=True)
    return sum(totals) / sum(pairs) if sum(pairs) else 0.0
