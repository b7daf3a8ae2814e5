"""Absolute value of the weight times the norm of its input."""

from torch import Tensor


def score(weight: Tensor, norm: Tensor) -> Tensor:
    """S_ij = |W_ij| * n_j (Sun et al. 2024, eq. 1). weight [rows, columns], norm [columns]."""
    return weight.abs() * norm
