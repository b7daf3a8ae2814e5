"""Pruned models as masks: one bit a weight, packed, applied to the dense weights at loading."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from multiprune.errors import InputError
from multiprune.files.tensors import metadata_text, opened_tensors, read_metadata, write_tensors
from multiprune.pruning.files import read_mask

ROWS = 4096  # of weights unpacked at a time on a device
CHUNK = 2**16  # weights unpacked at a time, which stay in the processor's cache
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes of a weight


def pack(keep: Tensor) -> np.ndarray:
    """bool [rows, columns] -> uint8 [rows, ceil(columns / 8)], big-endian bit order, 1 = kept."""
    return np.packbits(keep.cpu().numpy(), axis=1)


def unpack(packed: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The inverse of `pack`: uint8 0 or 1, [rows, columns]."""
    return np.unpackbits(packed, axis=1, count=shape[1])


def write_mask(
    path: Path | str, packed: dict[str, np.ndarray], metadata: dict[str, object]
) -> None:
    """Write packed masks by parameter name; metadata values that are not strings become JSON."""
    write_tensors(path, packed, metadata_text(metadata))


def check_mask_belongs(path: Path | str, model: str) -> None:
    """Raise InputError unless the mask was made for the model with this fingerprint."""
    with opened_tensors(path) as file:
        inputs = json.loads(read_metadata(file).get("inputs", "{}"))
    if inputs.get("model") != model:
        raise InputError(f"{path}: was made for another model or revision; remove it")


def apply_mask(model: nn.Module, path: Path | str) -> None:
    """Set the pruned weights of a loaded model to zero, wherever each weight lives."""
    apply_packed(model, read_mask(path), str(path))


def apply_packed(
    model: nn.Module, masks: Iterable[tuple[str, np.ndarray, tuple[int, int]]], origin: str
) -> None:
    """`apply_mask` for masks as `read_mask` gives them; `origin` is for an InputError's line."""
    parameters = dict(model.named_parameters())
    for name, packed, shape in masks:
        if name not in parameters:
            raise InputError(f"{origin}: masks {name}, which the model does not have")
        parameter = parameters[name]
        if tuple(parameter.shape) != shape:
            found, masked = ("x".join(map(str, sizes)) for sizes in (parameter.shape, shape))
            raise InputError(f"{origin}: {name} is {found} in the model, {masked} in the mask")
        _drop(parameter, packed)


def _drop(parameter: nn.Parameter, packed: np.ndarray) -> None:
    # Bitwise, since a product would leave -0.0, and NaN of infinity.
    bits = parameter.data.view(BITS[parameter.element_size()])
    if bits.device.type != "cpu":
        _drop_in_place(bits, packed)
        return
    # To new memory: written in place, a file that is mapped would be copied page by page first.
    # PyTorch copies with all threads, each of which waits for its own pages.
    bits = bits.clone()
    weights = bits.numpy()
    ones = _masks_of_bytes(weights.dtype)
    rows = max(1, CHUNK // (8 * packed.shape[1]))
    for start in range(0, len(weights), rows):
        part = slice(start, start + rows)
        kept = np.take(ones, packed[part], axis=0).reshape(len(packed[part]), -1)
        weights[part] &= kept[:, : weights.shape[1]]
    parameter.data = bits.view(parameter.dtype)


def _drop_in_place(bits: Tensor, packed: np.ndarray) -> None:
    """Unpack on the device, to which an eighth of a byte a weight is copied."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=bits.device)
    for rows in range(0, len(bits), ROWS):
        part = torch.from_numpy(packed[rows : rows + ROWS]).to(bits.device)
        kept = (part[:, :, None] >> shifts & 1).flatten(1)[:, : bits.shape[1]]  # 0 or 1
        bits[rows : rows + ROWS] &= -kept.to(bits.dtype)


@cache
def _masks_of_bytes(dtype: np.dtype) -> np.ndarray:
    """[256, 8]: for each byte of a packed mask, all bits set where a weight is kept, or none."""
    return -np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(dtype)
