"""Corpus text -> token ids: paragraphs packed one after the other, a line break between them."""

from pathlib import Path

import numpy as np

from multiprune.artefacts import read_json_lines
from multiprune.errors import InputError

SEPARATOR = "\n"


def read_paragraphs(path: Path | str) -> list[str]:
    """Texts of a corpus file, one paragraph a line; raise InputError if there are none."""
    texts = [row["text"] for row in read_json_lines(path)]
    if not texts:
        raise InputError(f"{path}: has no paragraphs")
    return texts


def tokenize(paragraphs: list[str], tokenizer) -> np.ndarray:
    """Token ids of all paragraphs, packed; no special tokens, no padding. -> int32 [tokens]."""
    lines = [paragraph + SEPARATOR for paragraph in paragraphs]
    ids = tokenizer(lines, add_special_tokens=False)["input_ids"]
    return np.concatenate([np.asarray(line, dtype=np.int32) for line in ids])


def utf8_bytes(paragraphs: list[str]) -> int:
    """Length of the packed text in bytes."""
    return sum(len((paragraph + SEPARATOR).encode()) for paragraph in paragraphs)
