"""The published procedure of one-shot pruning, which the bench measures this project against.

Written from the descriptions of the methods: magnitude, Wanda (Sun et al. 2024), RIA (Zhang et al.
2024) and OWL (Yin et al. 2024), and for M-Wanda, whose code is not public, this project's reading
of the paper put into the same procedure. Nothing of the library is used.

Each method and sparsity starts anew: load the model, embed the windows, then block by block pass
one sample after the other through the dense block, hooks adding up the squares of the inputs of
every linear layer; score, sort each row whole, set what comes first to zero; pass the samples
through the pruned block to feed the next one; save the pruned model. OWL and M-Wanda, whose
sparsity differs by block, first see all blocks dense. Models of the Llama architecture.
"""

from collections.abc import Iterable
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel

Masks = dict[str, Tensor]  # by name of a linear layer, True = dropped, [outputs, inputs]
Samples = list[Tensor]  # hidden states of each sample, [1, length, hidden size]


class InputSquares:
    """Mean over samples of the squared norm of each input channel of one linear layer."""

    def __init__(self, layer: nn.Linear):
        self.samples = 0
        self.mean = torch.zeros(layer.in_features)

    def add(self, inputs: Tensor) -> None:
        """Count in one sample's inputs [1, length, channels]."""
        square = inputs.flatten(0, 1).float().norm(dim=0) ** 2
        self.samples += 1
        self.mean += (square - self.mean) / self.samples


Squares = dict[str, list[InputSquares]]  # by name of a linear layer, one for each set of samples


@torch.no_grad()
def prune(
    model_folder: Path, windows: dict[str, Tensor], method: dict, sparsity: float, output: Path
) -> Masks:
    """Prune a model from the start and save it, weights as they were loaded, in `output`.

    `windows` holds token ids [samples, length] by language, all of one size; `method` the options
    score, norm and allocation as the config has them. Returns what was dropped.
    """
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype="auto").eval()
    blocks = model.model.layers
    sparsities, sets, arguments = [sparsity] * len(blocks), [], {}
    if "norm" in method:
        if method["allocation"]["kind"] != "uniform":
            sets, arguments = embed(model, sets_of(windows, method))
            importance = dense_importance(blocks, sets, arguments, method)
            sparsities = allocate(importance, sparsity, method["allocation"]["strength"])
        sets, arguments = embed(model, sets_of(windows, method))
    masks = {}
    for index, block in enumerate(blocks):
        squares, _ = observe(block, sets, arguments)
        for name, layer in linear_layers(block).items():
            dropped = lowest(score(layer, squares[name], method), sparsities[index])
            layer.weight[dropped] = 0
            masks[f"model.layers.{index}.{name}.weight"] = dropped
        sets = [run_through(block, samples, arguments) for samples in sets]
    model.save_pretrained(output)
    return masks


def sets_of(windows: dict[str, Tensor], method: dict) -> list[Tensor]:
    """Samples that are counted together: each language on its own only where the method asks."""
    if method["norm"]["kind"] == "cross_lingual":
        return list(windows.values())
    return [torch.cat(list(windows.values()))]


def embed(model: PreTrainedModel, sets: list[Tensor]) -> tuple[list[Samples], dict]:
    """What the first block is handed: hidden states, and the arguments that all samples share."""
    caught = []

    def catch(_block: nn.Module, hidden: tuple, arguments: dict) -> None:
        caught.append((hidden[0], arguments))
        raise _Embedded

    hook = model.model.layers[0].register_forward_pre_hook(catch, with_kwargs=True)
    for sample in torch.cat(sets):
        with suppress(_Embedded):
            model(sample[None], use_cache=False)
    hook.remove()
    hidden = iter([states for states, _arguments in caught])
    return [[next(hidden) for _ in samples] for samples in sets], caught[0][1]


class _Embedded(Exception):
    """Ends a pass before the first block."""


def linear_layers(block: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of a block, by name within it."""
    return {name: part for name, part in block.named_modules() if isinstance(part, nn.Linear)}


def run_through(block: nn.Module, samples: Samples, arguments: dict) -> Samples:
    """Pass the samples through a block one at a time."""
    outputs = (block(hidden, **arguments) for hidden in samples)
    return [output[0] if isinstance(output, tuple) else output for output in outputs]


def observe(
    block: nn.Module, sets: list[Samples], arguments: dict
) -> tuple[Squares, list[Samples]]:
    """Squared input norms of every linear layer, and the outputs of the block."""
    layers = linear_layers(block)
    squares = {name: [] for name in layers}
    outputs = []
    for samples in sets:
        hooks = []
        for name, layer in layers.items():
            squares[name].append(total := InputSquares(layer))
            hooks.append(layer.register_forward_hook(adder(total)))
        outputs.append(run_through(block, samples, arguments))
        for hook in hooks:
            hook.remove()
    return squares, outputs


def adder(total: InputSquares):
    """A hook that counts in the inputs of a layer."""
    return lambda _layer, inputs, _output: total.add(inputs[0])


def score(layer: nn.Linear, squares: list[InputSquares], method: dict) -> Tensor:
    """Importance of each weight [outputs, inputs]."""
    size = layer.weight.abs()
    if method["score"] == "magnitude":
        return size
    norm = channel_norm(squares, method["norm"])
    if method["score"] == "wanda":
        return size * norm
    relative = size / size.sum(dim=0) + size / size.sum(dim=1, keepdim=True)
    return relative * norm ** method["ria_exponent"]


def channel_norm(squares: list[InputSquares], norm: dict) -> Tensor:
    """Norm of each input channel: over all samples, or M-Wanda's with the spread of languages.

    A common factor, such as the number of tokens in a sample, changes no rank.
    """
    means = torch.stack([total.mean for total in squares])  # (sets, channels)
    pooled = means.mean(dim=0).sqrt()
    if norm["kind"] == "pooled":
        return pooled
    return pooled + norm["dispersion_weight"] * means.sqrt().std(dim=0, correction=0)


def lowest(scores: Tensor, sparsity: float) -> Tensor:
    """True at the weights of each row that come first when it is sorted."""
    order = torch.sort(scores, dim=-1, stable=True).indices
    count = int(scores.shape[1] * sparsity + 1e-9)  # 100 * 0.29 is 28.999999999999996
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(1, order[:, :count], True)


def dense_importance(
    blocks: Iterable[nn.Module], sets: list[Samples], arguments: dict, method: dict
) -> Tensor:
    """What the sparsity of each block is decided by, [blocks], in a pass through the dense ones."""
    importance = []
    for block in blocks:
        squares, sets = observe(block, sets, arguments)
        if method["allocation"]["kind"] == "owl":
            importance.append(outlier_share(block, squares, method))
        else:
            importance.append(mean_correlation(squares))
    return torch.tensor(importance, dtype=torch.float64)


def outlier_share(block: nn.Module, squares: Squares, method: dict) -> float:
    """OWL: share of a block's scores above a multiple of their mean."""
    layers = linear_layers(block).items()
    scores = torch.cat([score(layer, squares[name], method).flatten() for name, layer in layers])
    return float(
        (scores > method["allocation"]["outlier_multiple"] * scores.mean()).double().mean()
    )


def mean_correlation(squares: Squares) -> float:
    """M-Wanda: mean over a block's inputs and pairs of languages of their norms' correlation."""
    distinct = {}  # q, k and v have one input, as gate and up
    for totals in squares.values():
        norms = torch.stack([total.mean.double().sqrt() for total in totals])
        distinct[norms.numpy().tobytes()] = torch.corrcoef(norms)
    pairs = [
        matrix[one, other]
        for matrix in distinct.values()
        for one, other in combinations(range(len(matrix)), 2)
    ]
    return float(torch.stack(pairs).mean())


def allocate(importance: Tensor, sparsity: float, strength: float) -> list[float]:
    """OWL: densities span twice the strength, with the requested mean; blocks are of one size."""
    scaled = (importance - importance.min()) / (importance.max() - importance.min())
    densities = 2 * strength * scaled
    return (sparsity - densities + densities.mean()).tolist()
