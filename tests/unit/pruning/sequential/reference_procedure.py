"""The published procedure of one-shot pruning, written straight down in double precision.

Nothing of the library is used. Samples pass one at a time, unpadded, through the whole model, whose
earlier blocks are pruned already; every linear module sums up its own input; every row is sorted
whole. Sun et al. 2024 (Wanda), Zhang et al. 2024 (RIA), Yin et al. 2024 (OWL), Kim et al. 2024
(contrast), and this project's readings of M-Wanda and LSA.
"""

import math
import re
from itertools import combinations

import torch
from torch import Tensor, nn


def prune_by_the_book(
    model: nn.Module,
    modules: dict[str, nn.Module],
    sets: dict[str, list[Tensor]],
    method: dict,
    sparsity: float,
    against: list[Tensor] | None = None,
) -> dict[str, Tensor]:
    """What is kept of each module's weight as stored, by name; the model is pruned in place.

    `model` is in float64; `sets` holds the token ids [length] of each calibration set's samples,
    `against` those of the contrast set.
    """
    blocks = by_block(modules)
    targets = block_targets(model, blocks, sets, method, sparsity, against)
    kept = {}
    for target, block in zip(targets, blocks, strict=True):
        scored = scores_of(model, block, sets, method, against)
        for name, scores in scored.items():
            keep = torch.ones_like(scores, dtype=torch.bool)
            dropped = math.floor(scores.shape[1] * target + 1e-9)
            for row, order in enumerate(torch.sort(scores, dim=1, stable=True).indices):
                keep[row, order[:dropped]] = False
            kept[name] = keep.T if is_transposed(block[name]) else keep
        for name, module in block.items():
            module.weight.data[~kept[name]] = 0
    return kept


def by_block(modules: dict[str, nn.Module]) -> list[dict[str, nn.Module]]:
    """The modules of each block, in order."""
    blocks = {}
    for name, module in modules.items():
        blocks.setdefault(int(re.search(r"\.(\d+)\.", name)[1]), {})[name] = module
    return [blocks[index] for index in sorted(blocks)]


def is_transposed(module: nn.Module) -> bool:
    """Whether a weight is stored [inputs, outputs]."""
    return not isinstance(module, nn.Linear)


def block_targets(model, blocks, sets, method, sparsity, against) -> list[float]:
    """Sparsity of each block, from the model as it is: blocks must have the same size."""
    allocation = method["allocation"]
    if allocation["kind"] == "uniform":
        return [sparsity] * len(blocks)
    importance = []
    for block in blocks:
        if allocation["kind"] == "owl":
            scored = scores_of(model, block, sets, method, against).values()
            values = torch.cat([scores.flatten() for scores in scored])
            above = values > allocation["outlier_multiple"] * values.mean()
            importance.append(float(above.double().mean()))
        elif allocation["kind"] == "lsa":
            importance.append(-block_error(model, block, sets))  # its sign and order decide
        else:
            importance.append(mean_correlation(model, block, sets))
    low, high = min(importance), max(importance)
    densities = [(value - low) / (high - low) * 2 * allocation["strength"] for value in importance]
    shift = 1 - sparsity - sum(densities) / len(densities)
    return [1 - (density + shift) for density in densities]


@torch.no_grad()
def block_error(model, block, sets) -> float:
    """Sum over modules of the squared change of the output per token, half of the inputs gone.

    One input after the other goes, whichever leaves the least change of the output.
    """
    error = 0.0
    for module in block.values():
        seen = []
        hook = module.register_forward_pre_hook(lambda _module, args, seen=seen: seen.append(args))
        for samples in sets.values():
            for sample in samples:
                model(sample[None], use_cache=False)
        hook.remove()
        inputs = torch.cat([args[0].reshape(-1, args[0].shape[-1]) for args in seen])
        weight = module.weight.data if is_transposed(module) else module.weight.data.T
        change, left = 0, list(range(len(weight)))
        for _ in range(len(weight) // 2):
            changes = [change + torch.outer(inputs[:, j], weight[j]) for j in left]
            best = min(range(len(left)), key=lambda place: float((changes[place] ** 2).sum()))
            change = changes[best]
            left.pop(best)
        error += float((change**2).sum()) / len(inputs)
    return error


def mean_correlation(model, block, sets) -> float:
    """Mean over the block's distinct inputs and over pairs of sets of the norms' correlation."""
    sums = [input_sums(model, block, samples) for samples in sets.values()]
    found = {}
    for name in block:
        norms = [torch.sqrt(one[name]["square"] / one[name]["tokens"]) for one in sums]
        key = tuple(norms[0].tolist())  # modules with the same input count once
        pairs = [torch.corrcoef(torch.stack(pair))[0, 1] for pair in combinations(norms, 2)]
        found[key] = pairs
    values = [float(pair) for pairs in found.values() for pair in pairs]
    return sum(values) / len(values)


def scores_of(model, block, sets, method, against) -> dict[str, Tensor]:
    """Scores [outputs, inputs] of a block's weights."""
    threshold = method["norm"].get("activation_threshold", 1.0)
    sums = [input_sums(model, block, samples, threshold) for samples in sets.values()]
    other = input_sums(model, block, against) if against else None
    result = {}
    for name, module in block.items():
        norm = norm_of([one[name] for one in sums], method["norm"], other and other[name])
        size = module.weight.data.abs()
        size = size.T if is_transposed(module) else size
        if method["score"] == "wanda":
            result[name] = size * norm
        else:
            relative = size / size.sum(0) + size / size.sum(1, keepdim=True)
            result[name] = relative * norm ** method["ria_exponent"]
    return result


def norm_of(sums: list[dict], options: dict, other: dict | None) -> Tensor:
    """Norm of each input channel from one module's sums over each calibration set."""
    square = sum(one["square"] for one in sums) / sum(one["tokens"] for one in sums)
    if options["kind"] == "contrast":
        return square / torch.sqrt(other["square"] / other["tokens"])
    norm = torch.sqrt(square)
    if options["kind"] == "cross_lingual":
        each = torch.stack([torch.sqrt(one["square"] / one["tokens"]) for one in sums])
        active = torch.stack([one["active"] / one["tokens"] for one in sums])
        norm = norm + options["dispersion_weight"] * each.std(dim=0, correction=0)
        norm = norm * (1 + options["activation_weight"] * active.mean(dim=0))
    return norm


@torch.no_grad()
def input_sums(model, block, samples, threshold: float = 1.0) -> dict[str, dict]:
    """Tokens, sums of squares and activity of each module's own input, one sample at a time."""
    sums = {name: {"tokens": 0, "square": 0, "active": 0} for name in block}

    def adder(total: dict):
        def hook(_module, arguments) -> None:
            tokens = arguments[0].reshape(-1, arguments[0].shape[-1]).double()
            rms = torch.sqrt((tokens**2).mean(dim=1, keepdim=True))
            total["tokens"] += len(tokens)
            total["square"] = total["square"] + (tokens**2).sum(dim=0)
            total["active"] = total["active"] + (tokens.abs() > threshold * rms).sum(dim=0)

        return hook

    hooks = [module.register_forward_pre_hook(adder(sums[name])) for name, module in block.items()]
    for sample in samples:
        model(sample[None], use_cache=False)
    for hook in hooks:
        hook.remove()
    return sums
