"""What prunes a model, a mask or new weights, as files: reading masks, hashes of both; no torch."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from multiprune.errors import InputError
from multiprune.files.hashes import sha256_arrays
from multiprune.files.header import stored_tensors
from multiprune.files.tensors import opened_tensors, read_metadata

KIND = {"artefact": "weights"}  # in the metadata of pruned weights, where masks have nothing


def holds_weights(path: Path | str) -> bool:
    """Whether a file holds pruned weights, not a mask."""
    with opened_tensors(path) as file:
        return KIND.items() <= read_metadata(file).items()


def read_mask(path: Path | str) -> Iterator[tuple[str, np.ndarray, tuple[int, int]]]:
    """Parameter name, packed mask and unpacked shape of each pruned parameter, by name."""
    with opened_tensors(path) as file:
        metadata = read_metadata(file)
        if "shapes" not in metadata:
            raise InputError(f"{path}: is not a mask, its metadata has no shapes")
        shapes = json.loads(metadata["shapes"])
        for name in sorted(file.keys()):
            if name not in shapes:
                raise InputError(f"{path}: is not a mask, its metadata has no shape of {name}")
            packed, (rows, columns) = file.get_tensor(name), shapes[name]
            if packed.shape != (rows, -(-columns // 8)) or packed.dtype != np.uint8:
                raise InputError(
                    f"{path}: {name} is not one bit for each of {rows}x{columns} weights; "
                    "remove the file"
                )
            yield name, packed, (rows, columns)


def mask_hash(path: Path | str) -> str:
    """SHA-256 of a mask's tensors, whatever its metadata says."""
    return sha256_arrays(packed for _name, packed, _shape in read_mask(path))


def weights_hash(path: Path | str) -> str:
    """SHA-256 of the pruned weights and their precision, whatever the metadata says."""
    if not holds_weights(path):
        raise InputError(f"{path}: holds no pruned weights; is it a mask?")

    def arrays() -> Iterator[np.ndarray]:
        # numpy has no bfloat16, so bytes are read, as (rows, columns * bytes of a weight).
        with open(path, "rb") as file:
            for tensor in sorted(stored_tensors(path), key=lambda tensor: tensor.name):
                yield np.frombuffer(tensor.dtype.encode(), dtype=np.uint8)
                file.seek(tensor.begin)
                content = np.frombuffer(file.read(tensor.size), dtype=np.uint8)
                yield content.reshape(*tensor.shape[:-1], -1)

    return sha256_arrays(arrays())


def pruning_hash(path: Path | str | None) -> str | None:
    """Hash of what a mask or a file of pruned weights holds; None for the dense model."""
    if path is None:
        return None
    return weights_hash(path) if holds_weights(path) else mask_hash(path)
