"""Least reconstruction error of a block when half of the inputs of each of its modules go (LSA).

With H the second moments of a module's input and W its weight, to drop the inputs D changes the
module's output by, in the mean over tokens,

    || W_D x_D ||^2 = sum over i, j in D of S_ij, S = H o (W^T W)

The half that costs least is looked for greedily, one input at a time (Yang et al., ICLR 2026,
openreview xq3lza5IjN). From notes on the paper; the authors' code (BeiYazi0/LSA, layersp/blk.py)
lets every output row choose inputs of its own, S = H o (w w^T) of its weights w, and adds up rows.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from multiprune.errors import InputError
from multiprune.models.weights import LinearWeight, ModelWeights
from multiprune.pruning.sequential.hessian import InputHessian
from multiprune.pruning.sequential.passes import BlockPasses
from multiprune.statistics.files import ModuleInput
from multiprune.statistics.passes import distinct_inputs


def pair_costs(weight: Tensor, moments: Tensor) -> Tensor:
    """S = H o (W^T W). weight [rows, columns], moments H [columns, columns] -> as H, as precise."""
    weight = weight.to(moments.device, moments.dtype)
    return (weight.T @ weight).mul_(moments)


def least_error(costs: Tensor) -> float:
    """Sum of S_ij over the dropped half of the inputs, rounded down. costs S [columns, columns].

    Greedy: next goes the input j that adds least, S_jj + 2 times the sum of S_ij over dropped i.
    """
    added = costs.diagonal().clone()
    error = 0.0
    for _dropped in range(len(costs) // 2):
        column = int(added.argmin())
        error += float(added[column])
        added.add_(costs[column], alpha=2)
        added[column] = torch.inf
    return max(error, 0.0)  # rounding may hide that it is a square


@torch.no_grad()
def block_errors(passes: BlockPasses, weights: ModelWeights) -> np.ndarray:
    """E_b, the sum of `least_error` over the modules of each decoder block. -> [blocks].

    The calibration sets have entered `passes`, whose model is dense, and pass it once; all tokens
    count alike. The second moments of one block are held at a time. Raises InputError that names
    the parameter where weights or activations are not finite.
    """
    inputs = distinct_inputs(passes.model, weights.architecture)
    blocks, errors = weights.by_block(), []
    for index, block in blocks.items():
        with passes.on_device(index):
            moments = {
                i: InputHessian(size, passes.device)
                for i, size in inputs.items()
                if i.block == index
            }
            passes.accumulate(index, dict.fromkeys(passes.sets, moments))
            errors.append(sum(_module_errors(weights, block, moments)))
            if len(errors) < len(blocks):  # the last block's output is nobody's input
                passes.advance(index)
    return np.array(errors)


def _module_errors(
    weights: ModelWeights, block: list[LinearWeight], moments: dict[ModuleInput, InputHessian]
) -> Iterator[float]:
    by_name = {weight.name: weight for weight in block}
    for module_input in list(moments):  # second moments go once their matrices are done
        matrix = moments.pop(module_input).matrix
        for name in module_input.members:
            costs = pair_costs(weights.read(by_name[name]), matrix)
            if not torch.isfinite(costs).all():
                raise InputError(
                    f"{name}: its weights or inputs are not finite; load the model in another dtype"
                )
            yield least_error(costs)
