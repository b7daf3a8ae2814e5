"""Tensors of many safetensors files, one at a time, in memory that does not grow with the files.

The safetensors library maps files: what was read of them stays in the process's resident memory
until they are closed.
"""

import json
import os
from pathlib import Path
from typing import Self

import numpy as np

from multiprune.artefacts import opened_tensors, read_metadata
from multiprune.errors import InputError

DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "u1"}

Layout = dict[str, tuple[str, tuple[int, ...], int]]  # numpy's dtype, shape, offset in the file


class TensorFile:
    """An open safetensors file; its checksum is compared once, when it is opened.

    `like` is another file: where both have the same layout, they share it.
    """

    def __init__(self, path: Path | str, like: Self | None = None):
        """Open a file; InputError, and set aside, where it is missing or broken."""
        self.path = Path(path)
        with opened_tensors(path) as file:
            self.metadata = read_metadata(file)
        self._file = open(path, "rb")  # noqa: SIM115
        self._layout = _read_layout(self.path)
        if like is not None and like._layout == self._layout:
            self._layout = like._layout

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, name: str) -> np.ndarray:
        """A tensor, read only; InputError where the file has none of this name."""
        if name not in self._layout:
            raise InputError(f"{self.path}: {name} cannot be read (the file has no such tensor)")
        dtype, shape, offset = self._layout[name]
        size = np.dtype(dtype).itemsize * int(np.prod(shape))
        content = os.pread(self._file.fileno(), size, offset)
        return np.frombuffer(content, dtype=dtype).reshape(shape)


def _read_layout(path: Path) -> Layout:
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
    header.pop("__metadata__", None)
    return {
        name: (DTYPES[entry["dtype"]], tuple(entry["shape"]), start + entry["data_offsets"][0])
        for name, entry in header.items()
        if entry["dtype"] in DTYPES
    }
