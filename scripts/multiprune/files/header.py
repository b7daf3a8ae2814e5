"""The header of a safetensors file, for those who read its tensors' bytes themselves.

The safetensors library maps files: what was read of them stays in the process's resident memory
until they are closed. It also has no bytes of tensors that numpy has no type for.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from multiprune.errors import InputError, in_one_line
from multiprune.files.json import parse_text

METADATA = "__metadata__"


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file: the format's word for its dtype, its shape, where its bytes stand."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int  # from the start of the file
    size: int  # bytes


def stored_tensors(path: Path | str) -> list[StoredTensor]:
    """The tensors of a whole safetensors file, by name, in the order of their bytes."""
    try:
        return _tensors(path)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: has no header of safetensors ({in_one_line(error)})") from None


def _tensors(path: Path | str) -> list[StoredTensor]:
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > os.fstat(file.fileno()).st_size:
            raise ValueError(f"it states a header of {length:,} bytes, more than the file has")
        header = parse_text(file.read(length).decode())
        start = file.tell()
    header.pop(METADATA, None)
    entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
    return [
        StoredTensor(name, entry["dtype"], tuple(entry["shape"]), start + begin, end - begin)
        for name, entry in entries
        for begin, end in [entry["data_offsets"]]
    ]
