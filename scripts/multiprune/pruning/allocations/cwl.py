"""Blocks are weighted by the correlation of the languages' norms (M-Wanda's CWL)."""

import numpy as np

from multiprune.pruning.sparsities import Blocks, min_max


def importance(
    blocks: Blocks,
    direction: str = "keep_shared",
    combine: str = "none",
    outlier_multiple: float = 5.0,
) -> np.ndarray:
    """c_b: mean correlation of the languages' norms over a block's inputs. -> [blocks].

    `keep_shared` takes c_b as the importance, `keep_specific` takes 1 - c_b: the paper's text could
    not be read, so which it means is open. `combine: owl` multiplies the min-max scaled importance
    by that of OWL.
    """
    found = blocks.correlation()
    if direction == "keep_specific":
        found = 1 - found
    if combine == "owl":
        found = min_max(found) * min_max(blocks.outlier_share(outlier_multiple))
    return found
