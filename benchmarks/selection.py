"""Time to choose the weights of one large matrix, against a stable sort of every row."""

import torch
from timing import Row, paired_ratio
from torch import Tensor

from multiprune.pruning.patterns import dropped_per_row, keep_unstructured

ROWS, COLUMNS = 14336, 4096  # the largest matrices of Llama-3-8B
SPARSITY = 0.5
THREADS = 2


def by_stable_sort(scores: Tensor, sparsity: float) -> Tensor:
    """The published procedure: sort each row, scatter False to the first of its order."""
    order = torch.sort(scores, dim=1, stable=True).indices
    keep = torch.ones_like(scores, dtype=torch.bool)
    return keep.scatter_(1, order[:, : dropped_per_row(scores.shape[1], sparsity)], False)


def selection_rows(rows: int = ROWS, columns: int = COLUMNS) -> list[Row]:
    """Time of the stable sort / time of `keep_unstructured`, by what the scores are.

    Random float32 scores, which hardly tie, and magnitudes of bfloat16 weights, which tie in nearly
    every row. Both sides choose the same weights, or ValueError.
    """
    torch.set_num_threads(THREADS)
    draw = torch.Generator().manual_seed(0)
    weights = torch.randn(rows, columns, generator=draw)
    return [
        _row("float32 scores", weights.abs() * torch.rand(columns, generator=draw)),
        _row("bfloat16 magnitudes", weights.bfloat16().float().abs()),
    ]


def _row(name: str, scores: Tensor) -> Row:
    if not torch.equal(keep_unstructured(scores, SPARSITY), by_stable_sort(scores, SPARSITY)):
        raise ValueError("the selection differs from a stable sort")
    ratio = paired_ratio(
        lambda: by_stable_sort(scores, SPARSITY), lambda: keep_unstructured(scores, SPARSITY)
    )
    rows, columns = scores.shape
    measure = f"stable sort / selection, {rows} x {columns} {name}"
    return Row(measure, ratio, 3.0, at_least=True)
