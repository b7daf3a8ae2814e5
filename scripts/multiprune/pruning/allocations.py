"""How sparse is each decoder block? Per-block importances -> per-block sparsities.

Every allocation keeps the requested sparsity as the mean weighted by parameters; the importance of
a block only moves sparsity from one block to another.
"""

import numpy as np

from multiprune.registry import Registry

IMPORTANCES = Registry("allocation")


@IMPORTANCES.register("uniform")
def uniform(blocks: int) -> np.ndarray:
    """Every block alike. -> [blocks] of zeros."""
    return np.zeros(blocks)


@IMPORTANCES.register("owl")
def owl(outlier_share: np.ndarray) -> np.ndarray:
    """D_b: share of a block's scores above M times the block's mean score (Yin et al. 2024).

    Blocks with more outliers keep more weights. outlier_share [blocks] -> [blocks].
    """
    return np.asarray(outlier_share, dtype=float)


@IMPORTANCES.register("cwl")
def cwl(
    correlation: np.ndarray,
    direction: str = "keep_shared",
    combine: str = "none",
    outlier_share: np.ndarray | None = None,
) -> np.ndarray:
    """c_b: mean correlation of the languages' norms over a block's inputs (M-Wanda's CWL).

    `keep_shared` takes c_b as the importance, `keep_specific` takes 1 - c_b: the paper's text could
    not be read, so which it means is open. `combine: owl` multiplies the min-max scaled importance
    by that of OWL. correlation, outlier_share [blocks] -> [blocks].
    """
    importance = np.asarray(correlation, dtype=float)
    if direction == "keep_specific":
        importance = 1 - importance
    if combine == "owl":
        importance = min_max(importance) * min_max(owl(outlier_share))
    return importance


def min_max(values: np.ndarray) -> np.ndarray:
    """Scale to [0, 1]; values that are equal but for rounding become zeros."""
    span = values.max() - values.min()
    return (values - values.min()) / span if span > 1e-12 else np.zeros_like(values)


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
