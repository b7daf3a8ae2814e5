"""Blocks that lose little when half of their inputs go keep more weights (LSA)."""

import numpy as np

from multiprune.pruning.sparsities import Blocks, less_share


def importance(blocks: Blocks) -> np.ndarray:
    """I_b = 1 - E_b / sum_b E_b, E_b the least reconstruction error (LSA, ICLR 2026, xq3lza5IjN).

    E_b is that of `sequential.reconstruction`. Densities follow as in DLP. -> [blocks].
    """
    return less_share(blocks.reconstruction_error())
