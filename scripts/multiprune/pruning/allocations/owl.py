"""Blocks with more outlying scores keep more weights (OWL)."""

import numpy as np

from multiprune.pruning.sparsities import Blocks


def importance(blocks: Blocks, outlier_multiple: float) -> np.ndarray:
    """D_b: share of a block's scores above M times the block's mean score (Yin et al. 2024).

    M is `outlier_multiple`. -> [blocks].
    """
    return blocks.outlier_share(outlier_multiple)
