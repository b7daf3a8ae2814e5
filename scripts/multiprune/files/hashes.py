"""SHA-256 of files, arrays and values."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

CHECKSUM = "multiprune_sha256"  # key of a file's own SHA-256, in JSON and safetensors
DIFFERS = "is not what was written: its SHA-256 differs from the one that it records"


def sha256_file(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Hexadecimal SHA-256 of arrays, their types and shapes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def sha256_json(content: object) -> str:
    """Hexadecimal SHA-256 of a value's canonical JSON text."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
