"""Blocks whose typical score is low keep more weights (DLP)."""

import numpy as np

from multiprune.pruning.sparsities import Blocks, less_share


def importance(blocks: Blocks) -> np.ndarray:
    """I_b = 1 - S_b / sum_b S_b, S_b the median of a block's scores (DLP, ICML 2025, 2505.23807).

    Densities follow as in OWL: min-max scaled, times twice the strength (its alpha). -> [blocks].
    Scores that are all 0 make all blocks alike.
    """
    return less_share(blocks.median_score())
