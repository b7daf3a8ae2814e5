"""One dense forward pass over calibration windows that fills the statistics of every input."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from multiprune.calibration.windows import Windows
from multiprune.errors import InputError
from multiprune.models.architectures import Architecture, is_norm
from multiprune.models.devices import in_halves
from multiprune.models.loading import forward, not_finite
from multiprune.statistics.files import ModuleInput
from multiprune.statistics.residual import ResidualNorms
from multiprune.statistics.sums import NOTHING, ActivationSums


def distinct_inputs(model: PreTrainedModel, architecture: Architecture) -> dict[ModuleInput, int]:
    """The distinct inputs of the prunable modules and their number of channels.

    Modules that are handed the same tensor (q, k, v; gate, up) share one input, named after the
    first of them. Found by passing one token through the model.
    """
    seen: dict[str, torch.Tensor] = {}

    def remember(name: str):
        def hook(_module: nn.Module, arguments: tuple) -> None:
            seen[name] = arguments[0]  # keeping the tensor keeps its identity unique

        return hook

    hooks = [
        module.register_forward_pre_hook(remember(name))
        for name, module in prunable_modules(model, architecture).items()
    ]
    forward(model, torch.zeros(1, 1, dtype=torch.long))
    for hook in hooks:
        hook.remove()
    members = defaultdict(list)
    for name, tensor in seen.items():
        members[id(tensor)].append(name)
    return {
        ModuleInput(
            names[0],
            architecture.block_index(names[0]),
            tuple(sorted(f"{name}.weight" for name in names)),
        ): seen[names[0]].shape[-1]
        for names in map(sorted, members.values())
    }


def prunable_modules(model: PreTrainedModel, architecture: Architecture) -> dict[str, nn.Module]:
    """Linear modules inside decoder blocks, by name.

    Raises InputError where a block keeps a matrix in anything else, such as fused experts: the
    model would be pruned by half.
    """
    modules = {}
    for parameter_name, parameter in model.named_parameters():
        name = parameter_name.rpartition(".")[0]
        if architecture.block_index(parameter_name) is None or parameter.dim() < 2:
            continue
        module = model.get_submodule(name)
        if architecture.is_prunable(parameter_name, tuple(parameter.shape)):
            modules[name] = module
        if not is_norm(parameter_name) and not isinstance(module, nn.Linear | Conv1D):
            raise InputError(
                f"{type(model).__name__}: {parameter_name} belongs to a {type(module).__name__}, "
                "only plain linear layers can be pruned; use another model"
            )
    return modules


def collect(
    model: PreTrainedModel,
    windows: Windows,
    architecture: Architecture,
    batch_tokens: int,
    counts: Mapping[str, float] = NOTHING,
    residual: ResidualNorms | None = None,
    further: Sequence[str] = (),
) -> dict[ModuleInput, ActivationSums]:
    """Sums of every distinct module input over the counted tokens of all windows of one language.

    `counts` and `further` are those of ActivationSums; `residual` is shown every layer of the
    residual stream. Raises InputError where activations are not finite.
    """
    modules = dict(model.named_modules())
    inputs = distinct_inputs(model, architecture)
    blocks = model.get_submodule(architecture.blocks) if residual is not None else []

    def nothing() -> dict[ModuleInput, ActivationSums]:
        return {
            one: ActivationSums(channels, counts, modules[one.name].weight.device, further)
            for one, channels in inputs.items()
        }

    sums = nothing()
    # Of the batch that is passing through; a pass that finds no memory half-way leaves no trace.
    counted, its_sums, its_norms = None, sums, ResidualNorms()

    def add_to(one: ModuleInput):
        return lambda _module, arguments: its_sums[one].update(arguments[0], counted)

    def show(layer: int):
        return lambda _block, arguments: its_norms.update(layer, arguments[0], counted)

    def add(rows: list[int]) -> list[int]:
        nonlocal counted, its_sums, its_norms
        batch = padded(windows, rows)
        counted, its_sums, its_norms = batch.counted, nothing(), ResidualNorms()
        if batch.read is None:
            last = forward(model, batch.input_ids)
        else:
            last = _forward_padded(model, batch.input_ids, batch.read)
        for one, total in sums.items():
            total.merge(its_sums[one])
        if residual is not None:
            its_norms.update(len(blocks), last, counted)
            residual.merge(its_norms)
        return rows

    hooks = [modules[one.name].register_forward_pre_hook(add_to(one)) for one in inputs]
    hooks += [block.register_forward_pre_hook(show(layer)) for layer, block in enumerate(blocks)]
    for rows in rows_of_batches(windows, batch_tokens):
        in_halves(add, rows)
    for hook in hooks:
        hook.remove()
    for module_input, total in sums.items():
        if not all(np.isfinite(array).all() for array in total.arrays().values()):
            raise InputError(
                f"{type(model).__name__}: its activations at {module_input.name} are "
                f"{not_finite(model)}"
            )
    return sums


@dataclass(frozen=True)
class Batch:
    """Windows [rows, length] that pass through a model together.

    `read` is False at padding, `counted` also at start tokens that do not count; None: all True.
    """

    input_ids: torch.Tensor
    read: torch.Tensor | None
    counted: torch.Tensor | None

    def part(self, rows: slice) -> "Batch":
        """Some of the windows, padded as before."""
        tensors = (self.input_ids, self.read, self.counted)
        return Batch(*(None if tensor is None else tensor[rows] for tensor in tensors))


def batches(windows: Windows, batch_tokens: int) -> Iterator[Batch]:
    """All windows in batches of about so many tokens, the longest first."""
    for rows in rows_of_batches(windows, batch_tokens):
        yield padded(windows, rows)


def rows_of_batches(windows: Windows, batch_tokens: int) -> Iterator[list[int]]:
    """The windows of each batch, the longest first."""
    order = np.argsort(-windows.lengths, kind="stable")  # windows of one length keep their order
    start = 0
    while start < len(order):
        longest = int(windows.lengths[order[start]])
        rows = order[start : start + max(1, batch_tokens // longest)]
        yield rows.tolist()
        start += len(rows)


def padded(windows: Windows, rows: list[int]) -> Batch:
    """Some windows, padded on the right to the longest of them."""
    lengths = windows.lengths[rows, None]
    position = np.arange(lengths.max())
    read = position < lengths  # (rows, longest)
    input_ids = torch.from_numpy(windows.input_ids[rows, : lengths.max()]).long()
    return Batch(input_ids, _mask(read), _mask(read & (position >= windows.first)))


def _mask(chosen: np.ndarray) -> torch.Tensor | None:
    return None if chosen.all() else torch.from_numpy(chosen)


@torch.inference_mode()
def _forward_padded(
    model: PreTrainedModel, input_ids: torch.Tensor, read: torch.Tensor
) -> torch.Tensor:
    mask = read.to(model.device, torch.long)
    return model.base_model(
        input_ids.to(model.device), attention_mask=mask, use_cache=False
    ).last_hidden_state
