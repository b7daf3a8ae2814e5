"""Size of the weight alone."""

from torch import Tensor


def score(weight: Tensor, norm: Tensor | None = None) -> Tensor:
    """S_ij = |W_ij|. weight [rows, columns] -> [rows, columns]; activations play no part."""
    return weight.abs()
