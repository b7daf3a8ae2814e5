"""A pruned model as a Hugging Face folder: the checkpoint's own files with pruned weights.

The safetensors files are streamed: headers, shards and all other tensors keep their bytes. So the
folder loads wherever the dense one does, whatever names its files use, whether weights are tied or
stored transposed, and never more than one matrix is in memory.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import BinaryIO

import numpy as np
import torch
from safetensors import safe_open

from multiprune.errors import InputError
from multiprune.export.model_card import CARD, RECORD
from multiprune.files.header import StoredTensor, stored_tensors
from multiprune.files.manifests import MANIFEST, other_definition
from multiprune.files.tensors import opened_tensors, read_metadata
from multiprune.models.architectures import architecture_of
from multiprune.models.weights import INDEX, WHOLE, weight_files
from multiprune.pruning.files import holds_weights
from multiprune.pruning.masks import unpack
from multiprune.pruning.moved_weights import SAFETENSORS_DTYPES

PART_BYTES = 16 << 20  # of a tensor read at a time
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}  # by bytes of a weight
TORCH_DTYPES = {name: dtype for dtype, name in SAFETENSORS_DTYPES.items()}


@dataclass
class Zeros:
    """Weights that pruning set to zero, and weights that it kept but that were zero before."""

    dropped: int = 0
    kept: int = 0


class PrunedCheckpoint:
    """The files `names` of a model folder, and a mask or pruned weights that fit them.

    Of weights that stand in the folder twice, only those that transformers loads. Raises InputError
    where there are none or `names` lacks one, and where `pruning` names a weight that the files
    lack or that has another shape there.
    """

    def __init__(self, folder: Path | str, names: list[str], pruning: Path | str):
        self._folder = Path(folder)
        self._pruning = Path(pruning)
        self.architecture = architecture_of(folder)
        used = {path.name for path in weight_files(self._folder)}
        if unlisted := sorted(used.difference(names)):
            raise InputError(
                f"{folder}: {MANIFEST} does not list {unlisted[0]}, which holds weights; fetch the "
                "model again"
            )
        self._weights = sorted(used)
        left = {CARD, RECORD} | ({INDEX} if WHOLE in used else set())
        self._others = [n for n in names if n not in left and not n.endswith(".safetensors")]
        self._moved = holds_weights(pruning)
        self.metadata = pruning_metadata(pruning)
        self._shapes = {name: tuple(shape) for name, shape in self.metadata["shapes"].items()}
        self._check_shapes()

    def _check_shapes(self) -> None:
        stored = {
            self.architecture.state_name(tensor.name): tensor.shape
            for name in self._weights
            for tensor in _tensors_of(self._folder / name)
        }
        for name, shape in self._shapes.items():
            if name not in stored:
                raise InputError(f"{self._pruning}: has {name}, which {self._folder} lacks")
            if stored[name] != shape:
                found, pruned = ("x".join(map(str, sizes)) for sizes in (stored[name], shape))
                raise InputError(
                    f"{self._pruning}: {name} is {pruned}, but {found} in {self._folder}"
                )

    def write(self, target: Path) -> Zeros:
        """Fill an empty folder; returns how many zeros its prunable weights hold, and why."""
        for name in self._others:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(self._folder / name, target / name)
        zeros = Zeros()
        with opened_tensors(self._pruning, framework="pt") as pruning:
            for name in self._weights:
                self._write_weights(self._folder / name, target / name, pruning, zeros)
        return zeros

    def _write_weights(self, source: Path, target: Path, pruning: safe_open, zeros: Zeros) -> None:
        tensors = _tensors_of(source)
        with open(source, "rb") as dense, open(target, "wb") as pruned:
            _copy(dense, pruned, tensors[0].begin)
            for tensor in tensors:
                name = self.architecture.state_name(tensor.name)
                if name not in self._shapes:
                    _copy(dense, pruned, tensor.size)
                elif self._moved:
                    dense.seek(tensor.size, 1)
                    _write_moved(pruned, tensor, pruning.get_tensor(name), zeros)
                else:
                    _copy_masked(dense, pruned, tensor, pruning.get_tensor(name).numpy(), zeros)


def _tensors_of(path: Path) -> list[StoredTensor]:
    with opened_tensors(path):  # compares its checksum, if it has one; the library checks the rest
        return stored_tensors(path)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size:
        size -= target.write(source.read(min(size, PART_BYTES)))


def _copy_masked(
    source: BinaryIO, target: BinaryIO, tensor: StoredTensor, packed: np.ndarray, zeros: Zeros
) -> None:
    """Copy a matrix some rows at a time with all bits of dropped weights cleared, which is +0."""
    rows, columns = tensor.shape
    width = tensor.size // (rows * columns)
    for part in _row_ranges(rows, columns * width):
        count = part.stop - part.start
        values = np.fromfile(source, UNSIGNED[width], count * columns).reshape(count, columns)
        keep = unpack(packed[part], (count, columns)).astype(bool)
        # Shifted by the sign, since -0 is zero as well.
        zeros.kept += int(np.count_nonzero(keep & (values << 1 == 0)))
        zeros.dropped += keep.size - int(np.count_nonzero(keep))
        values[~keep] = 0
        target.write(values.data)


def _row_ranges(rows: int, row_bytes: int) -> Iterator[slice]:
    step = max(1, PART_BYTES // row_bytes)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _write_moved(
    target: BinaryIO, tensor: StoredTensor, weight: torch.Tensor, zeros: Zeros
) -> None:
    """Write a matrix whose kept weights moved as well, in the precision of the checkpoint."""
    if tensor.dtype not in TORCH_DTYPES:
        raise InputError(
            f"{tensor.name}: is stored as {tensor.dtype}, pruned weights can be written as "
            f"{', '.join(sorted(TORCH_DTYPES))}"
        )
    weight = weight.to(TORCH_DTYPES[tensor.dtype]).contiguous()
    zeros.dropped += weight.numel() - int(torch.count_nonzero(weight))
    target.write(weight.view(torch.uint8).numpy().data)


def pruning_metadata(path: Path | str) -> dict:
    """What a mask or a file of pruned weights records of itself, JSON values decoded.

    InputError for a file that is neither.
    """
    with opened_tensors(path) as file:
        metadata = read_metadata(file)
    decoded = ("options", "blocks", "shapes", "inputs", "versions")
    sparsities = ("requested_sparsity", "achieved_sparsity")
    if missing := sorted({*decoded, *sparsities, "method"} - metadata.keys()):
        raise InputError(f"{path}: is not a mask, its metadata has no {missing[0]}")
    taken = {"taken"} & metadata.keys()  # languages, where an order decides
    numbers = {key: json.loads(metadata[key]) for key in (*decoded, *sparsities, *taken)}
    return {**metadata, **numbers}


def must_not_replace(folder: Path, definition: dict) -> None:
    """InputError where `folder` holds anything but an unfinished or equal export.

    Snakemake removes the manifest before it runs the job again, so a folder without one is taken
    for an export by its RECORD.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a folder that does not exist")
    if any(folder.iterdir()) and not (folder / RECORD).is_file():
        raise InputError(f"{folder}: holds files that no export wrote; give another folder")
    if other_definition(folder / MANIFEST, definition):
        raise InputError(
            f"{folder}: holds the export of another model or mask; remove it or give another folder"
        )
