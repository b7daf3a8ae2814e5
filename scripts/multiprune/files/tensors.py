"""Safetensors files: written byte by byte alike, read with their checksum compared."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
from safetensors import SafetensorError, safe_open

from multiprune.errors import InputError
from multiprune.files.aside import set_aside
from multiprune.files.hashes import CHECKSUM, DIFFERS
from multiprune.files.header import stored_tensors
from multiprune.files.noted_inputs import note_input
from multiprune.files.writing import replacing

UNKNOWN = "0" * 64  # stands for the checksum in the bytes that it is taken of


SAFETENSORS_NAMES = {
    "uint8": "U8",
    "int32": "I32",
    "int64": "I64",
    "float32": "F32",
    "float64": "F64",
}


def write_tensors(
    path: Path | str, tensors: dict[str, np.ndarray], metadata: dict[str, str]
) -> None:
    """Write a safetensors file whose bytes depend on the content alone.

    The library's own writer puts metadata in random order; here names and metadata are sorted.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    layout = {
        name: (SAFETENSORS_NAMES[array.dtype.name], array.shape, array.nbytes)
        for name, array in arrays.items()
    }
    with writing_tensors(path, layout, metadata) as write:
        for name in sorted(arrays):
            write(arrays[name].data if arrays[name].nbytes else b"")


@contextmanager
def writing_tensors(
    path: Path | str,
    layout: dict[str, tuple[str, tuple[int, ...], int]],
    metadata: dict[str, str],
) -> Iterator[Callable[[bytes | memoryview], None]]:
    """Write a safetensors file tensor by tensor, as `safetensors_header` lists them.

    Hands out a function that takes the bytes of the next tensor. The checksum, of header and
    tensors, takes its place in the header at the end.
    """
    header = safetensors_header(layout, {**metadata, CHECKSUM: UNKNOWN})
    digest = hashlib.sha256(header)
    with replacing(path) as temporary, open(temporary, "wb") as file:

        def write(part: bytes | memoryview) -> None:
            file.write(part)
            digest.update(part)

        file.write(header)
        yield write
        file.seek(header.index(_entry(UNKNOWN)))
        file.write(_entry(digest.hexdigest()))


def _entry(checksum: str) -> bytes:
    """A checksum as it stands in the header of a safetensors file."""
    return f'"{CHECKSUM}":"{checksum}"'.encode()


def check_tensors(path: Path | str, recorded: str) -> None:
    """Compare a safetensors file with its checksum; one that differs is set aside.

    A file that has been compared and has not changed since is not read again by this process.
    """
    state = os.stat(path)
    _compare(str(path), recorded, (state.st_ino, state.st_size, state.st_mtime_ns))


@cache
def _compare(path: str, recorded: str, _state: tuple[int, int, int]) -> None:
    if _checksum(path, recorded) != recorded:
        set_aside(path, DIFFERS)


def _checksum(path: Path | str, recorded: str) -> str:
    with open(path, "rb") as file:
        start = file.read(8)
        header = start + file.read(int.from_bytes(start, "little"))
        digest = hashlib.sha256(header.replace(_entry(recorded), _entry(UNKNOWN), 1))
        while part := file.read(2**22):
            digest.update(part)
    return digest.hexdigest()


def safetensors_header(
    layout: dict[str, tuple[str, tuple[int, ...], int]], metadata: dict[str, str]
) -> bytes:
    """What stands before the tensors, which follow by name, without gaps.

    `layout` gives each tensor's dtype in the format's own word, its shape and its bytes.
    """
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    offset = 0
    for name, (dtype, shape, size) in sorted(layout.items()):
        header[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text


def metadata_text(metadata: dict[str, object]) -> dict[str, str]:
    """Metadata as the format stores it: strings as they are, all other values as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in metadata.items()
    }


def read_tensors(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All tensors of a safetensors file as arrays, and its metadata."""
    with opened_tensors(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, read_metadata(file)  # noqa: SIM118


@contextmanager
def opened_tensors(path: Path | str, framework: str = "np") -> Iterator[safe_open]:
    """An open safetensors file; a missing or broken one, or another than written, an InputError."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    note_input(path)
    try:
        file = safe_open(path, framework=framework)
    except (SafetensorError, OSError) as error:
        set_aside(path, f"is not a safetensors file ({error})")
    with file:
        if recorded := (file.metadata() or {}).get(CHECKSUM):
            check_tensors(path, recorded)
        yield file


def read_metadata(file: safe_open) -> dict[str, str]:
    """The metadata of an open safetensors file, without its checksum."""
    return {key: entry for key, entry in (file.metadata() or {}).items() if key != CHECKSUM}


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

    @property
    def names(self) -> Collection[str]:
        """The tensors in it."""
        return self._layout.keys()

    def read(self, name: str) -> np.ndarray:
        """A tensor, read only; InputError where the file has none of this name."""
        if name not in self._layout:
            raise InputError(f"{self.path}: {name} cannot be read (the file has no such tensor)")
        dtype, shape, offset = self._layout[name]
        size = np.dtype(dtype).itemsize * int(np.prod(shape))
        content = os.pread(self._file.fileno(), size, offset)
        return np.frombuffer(content, dtype=dtype).reshape(shape)


def _read_layout(path: Path) -> Layout:
    return {
        tensor.name: (DTYPES[tensor.dtype], tensor.shape, tensor.begin)
        for tensor in stored_tensors(path)
        if tensor.dtype in DTYPES
    }
