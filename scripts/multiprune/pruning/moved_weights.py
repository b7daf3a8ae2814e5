"""Pruned models whose kept weights moved too, as after SparseGPT: whole matrices in place of masks.

A file holds the pruned parameters under their names in the model's `state_dict()`, in the model's
own precision, and the metadata of a mask; its zeros are the mask.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from multiprune.errors import InputError
from multiprune.files.tensors import metadata_text, opened_tensors, writing_tensors
from multiprune.pruning.files import KIND, holds_weights
from multiprune.pruning.masks import apply_mask

BYTES = {"BF16": 2, "F16": 2, "F32": 4, "F64": 8}
SAFETENSORS_DTYPES = {
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.float32: "F32",
    torch.float64: "F64",
}

Layout = dict[str, tuple[str, tuple[int, ...]]]  # dtype and shape of each tensor


def write_weights(
    path: Path | str, weights: dict[str, Tensor], metadata: dict[str, object]
) -> None:
    """Write pruned weights by parameter name; the shapes are added to the metadata.

    Metadata values that are not strings become JSON. The bytes depend on the content alone.
    """
    layout = {n: (SAFETENSORS_DTYPES[w.dtype], tuple(w.shape)) for n, w in weights.items()}
    _write(path, layout, weights.__getitem__, metadata)


def join_weights(
    path: Path | str, parts: Iterable[Path | str], metadata: dict[str, object]
) -> None:
    """Write the weights of several files as one, with one tensor in memory at a time."""
    layout: Layout = {}
    part_of = {}
    for part in parts:
        with opened_tensors(part, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                stored = file.get_slice(name)
                layout[name] = (stored.get_dtype(), tuple(stored.get_shape()))
                part_of[name] = part

    def tensor(name: str) -> Tensor:
        with opened_tensors(part_of[name], framework="pt") as file:
            return file.get_tensor(name)

    _write(path, layout, tensor, metadata)


def _write(
    path: Path | str, layout: Layout, tensor: Callable[[str], Tensor], metadata: dict[str, object]
) -> None:
    # numpy has no bfloat16, so `artefacts.write_tensors` cannot take these.
    sizes = {
        name: (dtype, shape, math.prod(shape) * BYTES[dtype])
        for name, (dtype, shape) in layout.items()
    }
    shapes = {name: shape for name, (_dtype, shape) in layout.items()}
    text = metadata_text({**metadata, **KIND, "shapes": shapes})
    with writing_tensors(path, sizes, text) as write:
        for name in sorted(layout):
            write(_bits(tensor(name)).data)


def _bits(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().contiguous().view(torch.uint8).numpy()


def read_weights(path: Path | str) -> Iterator[tuple[str, Tensor]]:
    """Parameter name and weight of each pruned parameter, by name, one in memory at a time."""
    if not holds_weights(path):
        raise InputError(f"{path}: holds no pruned weights; is it a mask?")
    with opened_tensors(path, framework="pt") as file:
        for name in sorted(file.keys()):
            yield name, file.get_tensor(name)


def apply_weights(model: nn.Module, path: Path | str) -> None:
    """Replace the pruned weights of a loaded model, in place, in its own precision and device."""
    parameters = dict(model.named_parameters())
    for name, weight in read_weights(path):
        if name not in parameters:
            raise InputError(f"{path}: holds {name}, which the model does not have")
        parameter = parameters[name]
        if parameter.shape != weight.shape:
            found, stored = ("x".join(map(str, t.shape)) for t in (parameter, weight))
            raise InputError(f"{path}: {name} is {found} in the model, {stored} in the file")
        parameter.data.copy_(weight)


def apply_pruning(model: nn.Module, path: Path | str) -> None:
    """Make a loaded dense model the pruned one, by a mask or by pruned weights."""
    if holds_weights(path):
        apply_weights(model, path)
    else:
        apply_mask(model, path)
