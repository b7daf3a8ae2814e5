"""SparseGPT (Frantar and Alistarh 2023): prune a matrix and let its kept weights make up for it.

Columns are visited from left to right. Dropping w_j costs w_j^2 / [H_j^-1]_jj and moves the weights
right of it by -w_j / [H_j^-1]_jj * [H_j^-1]_j: (eq. 3), where H_j is the Hessian of column j and
those right of it. One Cholesky factor holds these inverses: with H^-1 = U^T U and U upper
triangular, [H_j^-1]_jj = U_jj^2 and [H_j^-1]_j: = U_jj U_j:.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from multiprune.errors import InputError
from multiprune.pruning.patterns import keep_in_scope


class InverseFactor(NamedTuple):
    """Upper Cholesky factor U of the damped inverse Hessian, and which columns are dead.

    upper [columns, columns], dead bool [columns]. Modules that read the same input share it.
    """

    upper: Tensor
    dead: Tensor


class PrunedMatrix(NamedTuple):
    """keep bool [rows, columns], True = kept, and the new weight, 0 wherever one was dropped."""

    keep: Tensor
    weight: Tensor

    @property
    def pruned(self) -> int:
        """Number of dropped weights."""
        return self.keep.numel() - int(self.keep.sum())


@torch.no_grad()
def inverse_factor(hessian: Tensor, damping: float = 0.01) -> InverseFactor:
    """Factor the inverse of H plus `damping` times its mean diagonal, in the precision of H.

    The scale of H changes nothing that is pruned. A dead column, whose input was always 0,
    has no part in the mean and gets it as its own diagonal. Raises InputError where H is not finite
    or, damped, not positive definite.
    """
    if not torch.isfinite(hessian).all():
        raise InputError("has inputs that are not finite; load the model in another dtype")
    diagonal = hessian.diagonal()
    dead = diagonal == 0
    mean = torch.ones_like(diagonal[0]) if dead.all() else diagonal[~dead].mean()
    # A Cholesky factor L of H in reversed order gives U = L^-1, reversed: one factorisation, and
    # no explicit inverse whose rounding could spoil a second one.
    damped = hessian.flip(0, 1)
    damped.diagonal().add_((damping * mean + dead * mean).flip(0))
    lower, failed = torch.linalg.cholesky_ex(damped)
    if failed:
        raise InputError(
            f"has inputs whose Hessian is not positive definite at damping {damping:g}; raise the "
            "damping or calibrate on more tokens"
        )
    inverse = torch.eye(len(lower), dtype=lower.dtype, device=lower.device)
    torch.linalg.solve_triangular(lower, inverse, upper=False, out=inverse)
    return InverseFactor(inverse.flip(0, 1), dead)


@torch.no_grad()
def prune_with(
    weight: Tensor,
    factor: InverseFactor,
    sparsity: float,
    group_size: int | None = None,
    block_size: int = 128,
) -> PrunedMatrix:
    """Prune weight [rows, columns], whose kept weights change; `weight` itself does not.

    Unstructured (Algorithm 1): in each block of `block_size` columns the floor(size * s) weights
    of least cost over the whole block, ties by lowest column first. With `group_size` m, the
    pattern n:m: in each row the n = m * s of least cost of each m consecutive columns, chosen when
    the sweep reaches them; blocks are then cut to whole groups and only group the updates. Weights
    of dead columns cost nothing and go first; those left over stay as they are. Computes in single
    precision at least and returns the dtype of `weight`.

    Raises InputError where weights are not finite or groups do not fill the columns.
    """
    if not torch.isfinite(weight).all():
        raise InputError("holds numbers that are not finite")
    if group_size is not None:
        if weight.shape[1] % group_size:
            raise InputError(
                f"has {weight.shape[1]} columns, which cannot be cut into groups of {group_size}; "
                "use a pattern n:m whose m divides them, or unstructured"
            )
        block_size = max(group_size, block_size - block_size % group_size)
    precision = torch.promote_types(weight.dtype, torch.float32)
    # A row of `columns` is a column of the weight: contiguous, since the sweep goes over them.
    columns = weight.to(precision).T.clone(memory_format=torch.contiguous_format)
    upper = factor.upper.to(columns.device, precision)
    dead = factor.dead.to(columns.device)
    keep = torch.ones_like(columns, dtype=torch.bool)
    for start in range(0, len(columns), block_size):
        now, later = slice(start, start + block_size), slice(start + block_size, None)
        factor_now = InverseFactor(upper[now, now], dead[now])
        errors = _sweep(columns[now], keep[now], factor_now, sparsity, group_size)
        columns[later].addmm_(upper[now, later].T, errors, alpha=-1)
    new = columns.T.to(weight.dtype, memory_format=torch.contiguous_format)
    if not torch.isfinite(new).all():
        raise InputError(f"gets weights that do not fit {weight.dtype}; raise the damping")
    return PrunedMatrix(keep.T.contiguous(), new)


def _sweep(
    block: Tensor, keep: Tensor, factor: InverseFactor, sparsity: float, group_size: int | None
) -> Tensor:
    """Prune a block of columns and fill `keep`, in place; returns the errors for later columns.

    block, keep and the errors are [width, rows]; the factor is that of the block's columns.
    """
    diagonal = factor.upper.diagonal()[:, None]
    chosen_together = group_size or len(block)
    errors = torch.empty_like(block)
    for column in range(len(block)):
        if column % chosen_together == 0:
            group = slice(column, column + chosen_together)
            cost = (block[group] / diagonal[group]).abs()  # the root, which sorts alike
            cost[factor.dead[group]] = 0
            keep[group] = _keep(cost, sparsity, group_size)
        errors[column] = (block[column] / diagonal[column]).masked_fill_(keep[column], 0)
        block[column:].addr_(factor.upper[column, column:], errors[column], alpha=-1)
    block.masked_fill_(~keep, 0)  # instead of what rounding left
    return errors


def _keep(cost: Tensor, sparsity: float, group_size: int | None) -> Tensor:
    # cost [columns, rows]: compared all together, or within each row of the weight.
    if group_size is None:
        return keep_in_scope(cost, sparsity, "layer")
    return keep_in_scope(cost.T, sparsity, "row", group_size).T
