"""How sparse is each decoder block? Per-block importances -> per-block sparsities.

Every allocation keeps the requested sparsity as the mean weighted by parameters; the importance of
a block only moves sparsity from one block to another.
"""

from typing import Protocol

import numpy as np


class Blocks(Protocol):
    """What an allocation may ask of a model's decoder blocks, each measured when asked for."""

    count: int

    def outlier_share(self, multiple: float) -> np.ndarray:
        """Share of a block's scores above `multiple` times the block's mean score. -> [blocks]."""

    def median_score(self) -> np.ndarray:
        """Median of all scores of a block. -> [blocks]."""

    def correlation(self, of: str = "norms") -> np.ndarray:
        """Mean correlation between languages, of their `norms` or `scores`. -> [blocks]."""

    def reconstruction_error(self) -> np.ndarray:
        """Least error of a block's modules without half of their inputs. -> [blocks]."""


def min_max(values: np.ndarray) -> np.ndarray:
    """Scale to [0, 1]; values that are equal but for rounding become zeros."""
    span = values.max() - values.min()
    return (values - values.min()) / span if span > 1e-12 else np.zeros_like(values)


def less_share(values: np.ndarray) -> np.ndarray:
    """1 - v_b / sum_b v_b; all 1 where all are 0. values [blocks], >= 0 -> [blocks]."""
    total = values.sum()
    return 1 - values / total if total > 0 else np.ones_like(values)


def block_sparsities(
    importance: np.ndarray, parameters: np.ndarray, sparsity: float, strength: float
) -> np.ndarray:
    """Sparsity of each block: densities minmax(importance) * 2 * strength, moved to mean 1 - s.

    The mean is weighted by parameters, and densities stay within [0, 1] (as in OWL, Yin et al.
    2024, with the weighting made exact). importance, parameters [blocks] -> [blocks].
    """
    weight = np.asarray(parameters, dtype=float) / np.sum(parameters)
    raw = min_max(np.asarray(importance, dtype=float)) * 2 * strength
    return 1 - _shifted_to_mean(raw, weight, 1 - sparsity)


def _shifted_to_mean(values: np.ndarray, weight: np.ndarray, mean: float) -> np.ndarray:
    """clip(values + c, 0, 1) with the c that gives the weighted mean asked for.

    The values span at most 1 (strength <= 0.5), so only one of the two bounds is ever met.
    """
    free = np.ones(len(values), dtype=bool)
    result = np.zeros(len(values))
    while free.any():
        missing = mean - weight[~free] @ result[~free]
        shift = (missing - weight[free] @ values[free]) / weight[free].sum()
        result[free] = values[free] + shift
        outside = free & ((result < 0) | (result > 1))
        if not outside.any():
            break
        result[outside] = result[outside].clip(0, 1)
        free &= ~outside
    return result


def whole_groups(sparsities: np.ndarray, parameters: np.ndarray, size: int) -> np.ndarray:
    """Round each block's sparsity to n / m for whole n, the total kept as well as n allows.

    Largest remainder: every n is rounded down, then the blocks that lost most get one more, lowest
    block first among equals, each only if that brings the total, weighted by parameters, nearer.
    Exact for blocks of one size and a mean of whole n; else off by at most half the largest block's
    parameters / m. sparsities, parameters [blocks], size m -> [blocks].
    """
    exact = np.round(np.asarray(sparsities, dtype=float) * size, 9)  # 2.9999999996 is a 3
    dropped = np.floor(exact)
    remainder = exact - dropped
    missing = float(np.dot(parameters, remainder))
    for block in np.argsort(-remainder, kind="stable"):
        if remainder[block] > 0 and 2 * missing > parameters[block]:
            dropped[block] += 1
            missing -= parameters[block]
    return dropped / size
