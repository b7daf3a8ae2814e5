"""Is the checkpoint in a model folder whole, and of one piece with its config.json?

Asked once, when a model is fetched: headers, index and every number, streamed from the files,
without torch and without building the model.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open

from multiprune.errors import InputError
from multiprune.files.header import stored_tensors
from multiprune.files.json import parse_text
from multiprune.models.architectures import (
    Architecture,
    architecture_of,
    decoder_config,
    read_config,
)
from multiprune.models.weights import INDEX, weight_files

# For each dtype of a weight, the word that holds one and the bits of its exponent: all of them are
# set in NaN and infinity, and in nothing else.
EXPONENTS = {
    "BF16": ("<u2", 0x7F80),
    "F16": ("<u2", 0x7C00),
    "F32": ("<u4", 0x7F800000),
    "F64": ("<u8", 0x7FF0000000000000),
}
CHUNK = 2**20  # numbers looked at at a time
# One of them stands in each config.json.
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


def check_checkpoint(folder: Path, source: str) -> None:
    """Raise InputError, naming `source`, for a checkpoint that is not what it should be.

    Its files must be whole, hold each tensor once and where the index says, keep the weights of
    the blocks as plain floating-point numbers, all finite, and have as many blocks as config.json
    says.
    """
    architecture = architecture_of(folder)
    held: dict[str, str] = {}  # name of a tensor -> file
    for path in weight_files(folder):
        for name, dtype in _dtypes(path, source).items():
            if name in held:
                raise InputError(
                    f"{source}: {name} stands in {held[name]} and in {path.name}; remove the file "
                    "that does not belong to the model"
                )
            held[name] = path.name
            is_weight = name.endswith(".weight") and _block(architecture, name) is not None
            if is_weight and dtype not in EXPONENTS:
                raise InputError(
                    f"{source}: {path.name} stores {name} as {dtype}, only "
                    f"{', '.join(EXPONENTS)} are read; use the model that is not quantized"
                )
    _check_index(folder, held, source)
    _check_blocks(folder, {_block(architecture, name) for name in held} - {None}, source)
    for path in weight_files(folder):
        if name := next(_not_finite(path), None):
            raise InputError(
                f"{source}: {name} in {path.name} holds numbers that are not finite (NaN or "
                "infinity); take an undamaged copy of the model"
            )


def _dtypes(path: Path, source: str) -> dict[str, str]:
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{source}: {path.name} is not a whole safetensors file ({error}); copy it again"
        ) from None


def _block(architecture: Architecture, stored_name: str) -> int | None:
    return architecture.block_index(architecture.state_name(stored_name))


def _check_index(folder: Path, held: dict[str, str], source: str) -> None:
    path = folder / INDEX
    if not path.is_file():
        return
    for name, shard in parse_text(path.read_text(encoding="utf-8"))["weight_map"].items():
        if held.get(name) != shard:
            found = f"it is in {held[name]}" if name in held else "no shard holds it"
            raise InputError(
                f"{source}: {INDEX} says that {name} is in {shard}, but {found}; take index and "
                "shards from one copy of the model"
            )


def _check_blocks(folder: Path, found: set[int], source: str) -> None:
    config = decoder_config(read_config(folder))
    key = next((key for key in LAYERS if key in config), None)
    if key is None:
        return
    if not found or config[key] != len(found) or found != set(range(len(found))):
        raise InputError(
            f"{source}: config.json says {key}: {config[key]}, the weights are of {len(found)} "
            f"blocks (highest index {max(found, default='none')}); take both from one model"
        )


def _not_finite(path: Path) -> Iterator[str]:
    """Names of the tensors in a safetensors file that hold NaN or infinity."""
    with open(path, "rb") as file:
        for tensor in stored_tensors(path):
            if tensor.dtype in EXPONENTS:
                word, exponent = EXPONENTS[tensor.dtype]
                file.seek(tensor.begin)
                chunks = _chunks(file, word, tensor.size // np.dtype(word).itemsize)
                if any((chunk & exponent).max() == exponent for chunk in chunks):
                    yield tensor.name


def _chunks(file: BinaryIO, word: str, count: int) -> Iterator[np.ndarray]:
    for start in range(0, count, CHUNK):
        yield np.fromfile(file, word, min(CHUNK, count - start))
