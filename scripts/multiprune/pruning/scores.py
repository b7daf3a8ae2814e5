"""How important is weight (i, j)? One function a score; the lowest scores of a row are pruned."""

from torch import Tensor

from multiprune.registry import Registry

SCORES = Registry("score")


@SCORES.register("magnitude")
def magnitude(weight: Tensor, norm: Tensor | None = None) -> Tensor:
    """S_ij = |W_ij|. weight [rows, columns] -> [rows, columns]; activations play no part."""
    return weight.abs()


@SCORES.register("wanda")
def wanda(weight: Tensor, norm: Tensor) -> Tensor:
    """S_ij = |W_ij| * n_j (Sun et al. 2024, eq. 1). weight [rows, columns], norm [columns]."""
    return weight.abs() * norm


@SCORES.register("ria")
def ria(weight: Tensor, norm: Tensor, ria_exponent: float = 0.5) -> Tensor:
    """S_ij = (|W_ij| / sum_i |W_ij| + |W_ij| / sum_j |W_ij|) * n_j^a (RIA, Zhang et al. 2024).

    Relative importance within the weight's column and row, so that no channel is cut off whole.
    weight [rows, columns], norm [columns]; a column or row of zeros scores 0.
    """
    size = weight.abs()
    smallest = 1e-30  # keeps 0 / 0 at 0
    row_sum = size.sum(dim=1, keepdim=True).clamp_min(smallest)
    by_column = size / size.sum(dim=0, keepdim=True).clamp_min(smallest)
    relative = size.div_(row_sum).add_(by_column)  # in place: a matrix of an 8B model has 0.2 GiB
    del by_column
    return relative * norm**ria_exponent
