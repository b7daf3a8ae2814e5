"""Text -> token ids, and the tokens that a tokenizer adds of its own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Regex, pre_tokenizers

from multiprune.errors import InputError

if TYPE_CHECKING:  # importing transformers takes seconds, which reading rows does not need
    from transformers import PreTrainedTokenizerBase

if TYPE_CHECKING:  # importing transformers takes seconds, which reading rows does not need
    from transformers import PreTrainedTokenizerBase


def encode(texts: list[str], tokenizer: "PreTrainedTokenizerBase") -> list[list[int]]:
    """Token ids of each text: nothing is added, and no text stands for a control token.

    `<s>` is Llama's start token and HTML's mark for text that is struck through; here it is text.
    """
    ids = _ids(texts, tokenizer)
    control = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    hit = [place for place, found in enumerate(ids) if not control.isdisjoint(found)]
    if hit and tokenizer.is_fast:
        # Unigram vocabularies, such as XGLM's, hold control tokens as if they were words.
        with _cut_apart(tokenizer):
            again = _ids([texts[place] for place in hit], tokenizer)
        for place, found in zip(hit, again, strict=True):
            ids[place] = found
    return ids


def _ids(texts: list[str], tokenizer: "PreTrainedTokenizerBase") -> list[list[int]]:
    return tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@contextmanager
def _cut_apart(tokenizer: "PreTrainedTokenizerBase") -> Iterator[None]:
    """Cut the names of control tokens behind their first character, so that no word is one."""
    names = [name for name in tokenizer.all_special_tokens if len(name) > 1]
    pattern = "|".join(f"{re.escape(name[0])}(?={re.escape(name[1:])})" for name in names)
    backend = tokenizer.backend_tokenizer
    own = backend.pre_tokenizer
    cut = pre_tokenizers.Split(Regex(pattern), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([own, cut]) if own else cut
    try:
        yield
    finally:
        backend.pre_tokenizer = own


def start_tokens(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """The tokens that a tokenizer begins every text with; none of GPT-2's, `</s>` of XGLM's."""
    text, whole = (tokenizer("a", add_special_tokens=add)["input_ids"] for add in (False, True))
    for start in range(len(whole) - len(text) + 1):
        if whole[start : start + len(text)] == text:
            return whole[:start]
    raise InputError(
        f"{tokenizer.name_or_path}: the tokenizer splits a text otherwise where it adds tokens of "
        "its own, so that these cannot be told; use another tokenizer"
    )


def first_tokens(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """What stands before a text that nothing precedes.

    The tokenizer's `start_tokens`; else its start token, or the end token where it has none.
    """
    named = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    found = start_tokens(tokenizer) or [token for token in named if token is not None][:1]
    if not found:
        raise InputError("the tokenizer has neither a start nor an end token to begin a text with")
    return found


MANY_UNKNOWN = 0.01  # share of unknown tokens that is worth a warning


def unknown_tokens(ids: np.ndarray, tokenizer: "PreTrainedTokenizerBase") -> int:
    """How many of the ids stand for text that the vocabulary cannot spell."""
    return 0 if tokenizer.unk_token_id is None else int((ids == tokenizer.unk_token_id).sum())


def warn_of_unknown(text: str, unknown: int, tokens: int) -> None:
    """Print a line where many of a text's tokens are unknown: numbers on it mean little."""
    if unknown > MANY_UNKNOWN * tokens:
        print(
            f"warning: {text}: {unknown / tokens:.1%} of {tokens} tokens are unknown to the "
            "tokenizer, so its numbers say little about the language",
            flush=True,
        )


SEPARATOR = "\n"


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
