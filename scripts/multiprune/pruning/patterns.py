"""Which weights may be dropped together? Scores and a sparsity -> which weights are kept."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from multiprune.errors import InputError

ROUNDING = 1e-9  # so that 100 * 0.29 counts as 29, not as 28.999999999999996
CHUNK = 2**18  # scores handled at a time: 1 MiB in single precision stays in the cache


def dropped_per_row(columns: int, sparsity: float) -> int:
    """Number of weights dropped in a row of `columns`: floor(columns * sparsity)."""
    return int(columns * sparsity + ROUNDING)


def keep_in_scope(
    scores: Tensor, sparsity: float, scope: str, group_size: int | None = None
) -> Tensor:
    """`scope: row` compares within each output row, `layer` over the whole matrix.

    With `group_size` m, the pattern n:m: within each group of m consecutive columns, n = m * s.
    scores [rows, columns] -> bool [rows, columns], True = kept. InputError for scores that are not
    finite.
    """
    if group_size is not None:
        return keep_in_groups(scores, round(group_size * sparsity), group_size)
    if scope == "layer":
        return keep_unstructured(scores.reshape(1, -1), sparsity).reshape(scores.shape)
    return keep_unstructured(scores, sparsity)


def keep_unstructured(scores: Tensor, sparsity: float) -> Tensor:
    """In each row drop the floor(columns * s) lowest scores, ties by lowest column first.

    scores [rows, columns] -> bool [rows, columns], True = kept.
    """
    return _without_lowest(scores, dropped_per_row(scores.shape[1], sparsity))


def keep_in_groups(scores: Tensor, dropped: int, size: int) -> Tensor:
    """In each group of `size` consecutive columns drop the `dropped` lowest scores, ties as above.

    scores [rows, columns] -> bool [rows, columns], True = kept; InputError where the groups do not
    fill the columns.
    """
    columns = scores.shape[1]
    if columns % size:
        raise InputError(
            f"has {columns} columns, which cannot be cut into groups of {size}; "
            "use a pattern n:m whose m divides them, or unstructured"
        )
    return _without_lowest(scores.reshape(-1, size), dropped).reshape(scores.shape)


def all_finite(values: Tensor) -> bool:
    """Whether no value is NaN or infinite, several times as fast as `isfinite` of each."""
    return all(torch.isfinite(bound) for bound in torch.aminmax(values))


def _without_lowest(scores: Tensor, dropped: int) -> Tensor:
    """Equal to a stable ascending sort of each row, True where a score is not among the lowest."""
    if not all_finite(scores):
        raise InputError("has scores that are not finite")
    if dropped == 0:
        return torch.ones_like(scores, dtype=torch.bool)
    if scores.device.type != "cpu":
        return _by_sorting(scores, dropped)
    array = scores.detach().to(torch.promote_types(scores.dtype, torch.float32)).numpy()
    keep = np.empty(array.shape, dtype=bool)
    rows = max(1, CHUNK // array.shape[1])

    def fill(start: int) -> None:
        chunk = slice(start, start + rows)
        _fill(keep[chunk], np.ascontiguousarray(array[chunk]), dropped)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # NumPy lets go of the GIL
        list(pool.map(fill, range(0, len(array), rows)))
    return torch.from_numpy(keep)


def _fill(keep: np.ndarray, scores: np.ndarray, dropped: int) -> None:
    """Selection in a few rows: find the highest score that is dropped, then count out its ties.

    No row is sorted, and NumPy's partition uses the processor's vector instructions.
    """
    ordered = np.partition(scores, dropped - 1, axis=1)
    threshold = ordered[:, dropped - 1, None].copy()  # a view would hold on to `ordered`
    np.greater(scores, threshold, out=keep)
    if dropped == scores.shape[1]:
        return
    tied = np.flatnonzero(ordered[:, dropped:].min(axis=1) == threshold[:, 0])
    if tied.size:
        kept = np.count_nonzero(ordered[tied, dropped:] == threshold[tied], axis=1)
        del ordered  # with scope `layer` as large as the matrix
        ties = scores[tied] == threshold[tied]
        order = ties.cumsum(axis=1, dtype=np.int32)  # 1 at a row's first tie
        keep[tied] |= ties & (order > order[:, -1:] - kept[:, None])


def _by_sorting(scores: Tensor, dropped: int) -> Tensor:
    """The same on a GPU, which sorts quickly."""
    lowest = scores.sort(dim=1, stable=True).indices[:, :dropped]
    return torch.ones_like(scores, dtype=torch.bool).scatter_(1, lowest, False)
