"""SparseGPT (Frantar and Alistarh 2023) with dense inverses, written straight down.

Nothing of the library is used; models and Hessians are in double precision.
"""

import torch
from torch import Tensor, nn

from unit.pruning.sequential.reference_procedure import by_block, is_transposed


def trailing_inverse(hessian: Tensor, damping: float, column: int) -> Tensor:
    """Inverse of the damped Hessian of `column` and all columns right of it."""
    added = damping * hessian.diagonal().mean() * torch.ones(len(hessian), dtype=hessian.dtype)
    damped = hessian + added.diag()
    return torch.linalg.inv(damped[column:, column:])


def reference(weight, hessian, sparsity, group_size, block_size, damping=0.01, keep=None):
    """OBS column by column with an explicit inverse for each; `keep` fixes the mask beforehand.

    weight [rows, columns] -> what is kept and the new weight.
    """
    new, fixed = weight.clone(), keep is not None
    rows, columns = weight.shape
    keep = keep.clone() if fixed else torch.ones(rows, columns, dtype=torch.bool)
    together = group_size or block_size
    for column in range(columns):
        if column % together == 0 and not fixed:
            chosen = range(column, min(column + together, columns))
            costs = [
                new[:, j] ** 2 / trailing_inverse(hessian, damping, j)[0, 0].item() for j in chosen
            ]
            cells = torch.stack(costs, dim=1).tolist()
            _drop_lowest(keep, cells, column, sparsity, by_row=group_size is not None)
        inverse = trailing_inverse(hessian, damping, column)
        dropped = new[:, column].masked_fill(keep[:, column], 0)
        new[:, column:] -= torch.outer(dropped / inverse[0, 0], inverse[0])
    return keep, new.masked_fill(~keep, 0)


def _drop_lowest(keep, costs, first, sparsity, by_row):
    by_cost = sorted((cost, j, i) for i, row in enumerate(costs) for j, cost in enumerate(row))
    rows = [[cell for cell in by_cost if cell[2] == i] for i in range(len(costs))]
    for compared in rows if by_row else [by_cost]:
        for _cost, j, i in compared[: int(len(compared) * sparsity + 1e-9)]:
            keep[i, first + j] = False


def update_by_the_book(
    model: nn.Module,
    modules: dict[str, nn.Module],
    samples: list[Tensor],
    method: dict,
    sparsity: float,
    group_size: int | None,
) -> dict[str, Tensor]:
    """The new weight of every module, as stored, by name; the model is pruned in place.

    Samples [length] pass one at a time through the whole model, whose earlier blocks are pruned
    already; every linear module sums up its own Hessian while its block is dense.
    """
    new = {}
    for block in by_block(modules):
        for name, hessian in hessians_of(model, block, samples).items():
            stored = block[name].weight.data
            _, pruned = reference(
                stored.T if is_transposed(block[name]) else stored,
                hessian,
                sparsity,
                group_size,
                method["block_size"],
                method["damping"],
            )
            new[name] = pruned.T if is_transposed(block[name]) else pruned
        for name, module in block.items():
            module.weight.data.copy_(new[name])
    return new


@torch.no_grad()
def hessians_of(model, block, samples) -> dict[str, Tensor]:
    """Sum of x x^T over all tokens of each module's own input."""
    sums = dict.fromkeys(block, 0)

    def adder(name: str):
        def hook(_module, arguments) -> None:
            for token in arguments[0].reshape(-1, arguments[0].shape[-1]):
                sums[name] = sums[name] + torch.outer(token, token)

        return hook

    hooks = [module.register_forward_pre_hook(adder(name)) for name, module in block.items()]
    for sample in samples:
        model(sample[None], use_cache=False)
    for hook in hooks:
        hook.remove()
    return sums
