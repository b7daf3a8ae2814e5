"""Which weights may be dropped together? Scores and a sparsity -> which weights are kept."""

import torch
from torch import Tensor

ROUNDING = 1e-9  # so that 100 * 0.29 counts as 29, not as 28.999999999999996


def dropped_per_row(columns: int, sparsity: float) -> int:
    """Number of weights dropped in a row of `columns`: floor(columns * sparsity)."""
    return int(columns * sparsity + ROUNDING)


def keep_unstructured(scores: Tensor, sparsity: float) -> Tensor:
    """In each row drop the floor(columns * s) lowest scores, ties by lowest column first.

    scores [rows, columns] -> bool [rows, columns], True = kept. Equal to a stable ascending sort
    of each row, but only finds the threshold.
    """
    columns = scores.shape[1]
    dropped = dropped_per_row(columns, sparsity)
    if dropped == 0:
        return torch.ones_like(scores, dtype=torch.bool)
    threshold = torch.kthvalue(scores, dropped, dim=1, keepdim=True).values
    keep = scores > threshold
    surplus = columns - dropped - keep.sum(dim=1)  # kept weights still missing among the ties
    for row in torch.nonzero(surplus).flatten():
        ties = torch.nonzero(scores[row] == threshold[row]).flatten()
        keep[row, ties[len(ties) - surplus[row] :]] = True
    return keep


def keep_in_scope(scores: Tensor, sparsity: float, scope: str) -> Tensor:
    """`scope: row` compares within each output row, `layer` over the whole matrix."""
    if scope == "layer":
        return keep_unstructured(scores.reshape(1, -1), sparsity).reshape(scores.shape)
    return keep_unstructured(scores, sparsity)
