"""Time to choose the weights of one large matrix, against a stable sort of every row."""

from collections.abc import Callable

import torch
from torch import Tensor

from multiprune.patterns import dropped_per_row, keep_unstructured

ROWS, COLUMNS = 14336, 4096  # the largest matrices of Llama-3-8B
SPARSITY = 0.5


def by_stable_sort(scores: Tensor, sparsity: float) -> Tensor:
    """The published procedure: sort each row, scatter False to the first of its order."""
    order = torch.sort(scores, dim=1, stable=True).indices
    keep = torch.ones_like(scores, dtype=torch.bool)
    return keep.scatter_(1, order[:, : dropped_per_row(scores.shape[1], sparsity)], False)


def selection_ratios(
    paired_ratio: Callable[[Callable, Callable], float], rows: int = ROWS, columns: int = COLUMNS
) -> dict[str, float]:
    """Time of `keep_unstructured` / time of the stable sort, by what the scores are.

    Random float32 scores, which hardly tie, and magnitudes of bfloat16 weights, which tie in nearly
    every row. Both sides choose the same weights, or ValueError. Sets two threads.
    """
    torch.set_num_threads(2)
    draw = torch.Generator().manual_seed(0)
    weights = torch.randn(rows, columns, generator=draw)
    cases = {
        "float32 scores": weights.abs() * torch.rand(columns, generator=draw),
        "bfloat16 magnitudes": weights.bfloat16().float().abs(),
    }
    return {name: _ratio(paired_ratio, scores) for name, scores in cases.items()}


def _ratio(paired_ratio: Callable[[Callable, Callable], float], scores: Tensor) -> float:
    if not torch.equal(keep_unstructured(scores, SPARSITY), by_stable_sort(scores, SPARSITY)):
        raise ValueError("the selection differs from a stable sort")
    return paired_ratio(
        lambda: keep_unstructured(scores, SPARSITY), lambda: by_stable_sort(scores, SPARSITY)
    )
