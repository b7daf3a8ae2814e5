"""Minus the absolute value of the weight, so that the largest go; needs no calibration."""

from torch import Tensor

CALIBRATED = False


def score(weight: Tensor, norm: Tensor | None = None) -> Tensor:
    """S_ij = -|W_ij|. weight [rows, columns] -> [rows, columns].

    The baseline of Kim et al. 2024 that drops the top weights: how bad a choice can be.
    """
    return -weight.abs()
