"""Minus Wanda's score, so that the weights that matter most go."""

from torch import Tensor


def score(weight: Tensor, norm: Tensor) -> Tensor:
    """S_ij = -|W_ij| * n_j. weight [rows, columns], norm [columns].

    The baseline of Kim et al. 2024 that drops the top weights: how bad a choice can be.
    """
    return -weight.abs() * norm
