"""Calibration windows: token ids, how many of each row are read, and which of them count."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multiprune.errors import InputError
from multiprune.files.tensors import read_tensors

# What becomes of the tokens that a tokenizer begins texts with: left out, read, or also counted.
START_TOKEN = ("none", "read", "count")


@dataclass(frozen=True)
class Windows:
    """Token ids int32 [samples, length].

    Of row i the first `lengths[i]` are read, the rest is padding. Those before `first` are read and
    never counted: a start token that only takes its place.
    """

    input_ids: np.ndarray
    lengths: np.ndarray
    first: int = 0

    @classmethod
    def full(cls, input_ids: np.ndarray) -> "Windows":
        """Windows without padding, of which every token counts."""
        return cls(input_ids, np.full(*input_ids.shape))

    @property
    def counted(self) -> int:
        """Number of tokens that count."""
        return int((self.lengths - self.first).sum())


def start_metadata(start: Sequence[int], start_token: str) -> dict[str, int]:
    """Of windows that begin with the tokens `start`: how many these are, and from where to count.

    Tokenizers that begin texts with nothing give the same windows whatever `start_token` is.
    """
    return {
        "start_tokens": len(start),
        "counted_from": len(start) if start_token == "read" else 0,
    }


def read_windows(path: Path | str, model: str) -> tuple[Windows, dict[str, str]]:
    """The windows in a file, and its metadata.

    Demonstrations say their lengths, plain windows are full. Raises InputError for any other file,
    and for windows drawn for a model whose fingerprint is not `model`.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("model", model) != model:
        raise InputError(f"{path}: was drawn for another model or revision; remove it")
    ids = tensors.get("input_ids", np.empty(0))
    if ids.ndim != 2 or ids.dtype != np.int32 or not ids.size:
        raise InputError(f"{path}: holds no windows (input_ids int32 [samples, length]); remove it")
    lengths = tensors.get("lengths", np.full(*ids.shape))
    first = int(metadata.get("counted_from", 0))
    one_a_row = lengths.shape == ids.shape[:1]
    if not one_a_row or lengths.min() <= first or lengths.max() > ids.shape[1]:
        raise InputError(f"{path}: its lengths are not those of its windows; remove it")
    return Windows(ids, lengths, first), metadata
