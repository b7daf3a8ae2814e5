"""Blocks are weighted by the correlation between languages (M-Wanda's CWL)."""

import numpy as np

from multiprune.pruning.sparsities import Blocks, min_max


def importance(
    blocks: Blocks,
    direction: str = "keep_shared",
    combine: str = "none",
    outlier_multiple: float = 5.0,
    correlation_of: str = "norms",
) -> np.ndarray:
    """c_b: mean correlation over pairs of languages, of norms or of scores. -> [blocks].

    `correlation_of: norms` correlates the languages' norms n_j^l over the channels of each of the
    block's inputs; `scores` the scores |W_ij| n_j^l over the weights of each of its matrices.
    `keep_shared` takes c_b as the importance, `keep_specific` takes 1 - c_b: the paper's text could
    not be read, so which it means is open. `combine: owl` multiplies the min-max scaled importance
    by that of OWL.
    """
    found = blocks.correlation(correlation_of)
    if direction == "keep_specific":
        found = 1 - found
    if combine == "owl":
        found = min_max(found) * min_max(blocks.outlier_share(outlier_multiple))
    return found
