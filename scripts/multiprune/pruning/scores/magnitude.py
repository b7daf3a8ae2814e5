"""Absolute value of the weight; needs no calibration."""

from torch import Tensor

CALIBRATED = False


def score(weight: Tensor, norm: Tensor | None = None) -> Tensor:
    """S_ij = |W_ij|. weight [rows, columns] -> [rows, columns]; activations play no part."""
    return weight.abs()
