"""Corpus text -> token ids: paragraphs packed one after the other, a line break between them."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multiprune.artefacts import read_json_lines, set_aside
from multiprune.errors import InputError
from multiprune.manifests import MANIFEST, check_files
from multiprune.tokenization import encode

if TYPE_CHECKING:  # importing transformers takes seconds, which reading rows does not need
    from transformers import PreTrainedTokenizerBase

SEPARATOR = "\n"


def read_rows(path: Path | str) -> list[dict[str, str]]:
    """Rows `{"id", "text"}` of a corpus file, whose hash must be the one in its manifest.

    Jobs ask for the texts, not for the manifest: without it, the text is set aside to get both.
    """
    manifest = Path(path).parent / MANIFEST
    if Path(path).is_file() and not manifest.exists():
        set_aside(path, f"has no {MANIFEST} beside it")
    check_files(manifest, [Path(path).name])
    return read_json_lines(path)


def read_paragraphs(path: Path | str) -> list[str]:
    """Texts of a corpus file, one paragraph a line; raises InputError where there is none."""
    texts = [row["text"] for row in read_rows(path)]
    if not texts:
        raise InputError(f"{path}: has no paragraphs")
    return texts


def tokenize(
    paragraphs: list[str], tokenizer: "PreTrainedTokenizerBase", at_most: int | None = None
) -> tuple[np.ndarray, list[str]]:
    """Token ids of the paragraphs, packed, and the paragraphs they come from.

    No special tokens, no padding; ids int32 [tokens]. With `at_most`, as many whole paragraphs from
    the start as fit into that many tokens, at least one.
    """
    lines = [paragraph + SEPARATOR for paragraph in paragraphs]
    ids = encode(lines, tokenizer)
    lengths = np.cumsum([len(line) for line in ids])
    if at_most is not None:
        ids = ids[: max(1, int((lengths <= at_most).sum()))]
    packed = np.concatenate([np.asarray(line, dtype=np.int32) for line in ids])
    return packed, paragraphs[: len(ids)]


def utf8_bytes(paragraphs: list[str], tokenizer: "PreTrainedTokenizerBase") -> int:
    """Length in bytes of the text that the tokens of the packed paragraphs stand for.

    Without the line breaks where the tokenizer drops them, as that of XGLM does.
    """
    bare, broken = encode(["a", "a" + SEPARATOR], tokenizer)
    separator = "" if bare == broken else SEPARATOR
    return sum(len((paragraph + separator).encode()) for paragraph in paragraphs)
