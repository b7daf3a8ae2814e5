"""A UTF-8 file a language, whose paragraphs are parted by blank lines, or are one a line."""

from itertools import groupby
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.definitions import needed_source
from multiprune.fetch.normal_form import normal_text, seen_text
from multiprune.fetch.splits import (
    Dealt,
    paragraph_counts,
    split_of_position,
    without_repeats,
)

FEWEST_PARAGRAPHS = 10  # one full turn of the rule that deals rows to splits


def read(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """Paragraphs of the file `source`.

    The id is the paragraph's position, which also decides its split: the line's number where
    `paragraphs` is `lines`, so that an empty line, which is no row, moves no other. How many
    positions there are is noted, since parallel files must have as many.
    """
    path = needed_source(source, "the text file")
    lines = corpus.get("paragraphs") == "lines"
    paragraphs = split_lines(_decode(path)) if lines else split_paragraphs(_decode(path))
    if (found := sum(map(bool, paragraphs))) < FEWEST_PARAGRAPHS:
        hint = "" if lines else ", and part paragraphs by blank lines or set `paragraphs: lines`"
        raise InputError(
            f"{path}: has {found} paragraphs, at least {FEWEST_PARAGRAPHS} are needed; add text"
            f"{hint}"
        )
    prefix = "line" if lines else "p"
    dealt = [
        ({"id": f"{prefix}{position + 1:06d}", "text": paragraph}, split_of_position(position))
        for position, paragraph in enumerate(paragraphs)
        if paragraph
    ]
    kept, notes = without_repeats(dealt)
    return kept, notes | {"paragraphs": len(paragraphs)}


def check(corpus: dict, pinned: dict, text: str, source: Path | None) -> str:
    """How many paragraphs the file gives."""
    dealt, _notes = read(corpus, text, source)
    return paragraph_counts(dealt)


def split_paragraphs(text: str) -> list[str]:
    """Paragraphs between blank lines, in normal form and on one line each."""
    lines = normal_text(text).split("\n")
    blocks = groupby(lines, key=lambda line: bool(seen_text(line)))
    return [_on_one_line(" ".join(block)) for seen, block in blocks if seen]


def split_lines(text: str) -> list[str]:
    """One paragraph a line, in normal form; empty where nothing is seen.

    Only `\\n` ends a line, as `wc -l` counts: all else that may, such as U+2028, stands within.
    """
    lines = map(_on_one_line, map(normal_text, text.removesuffix("\n").split("\n")))
    return [line if seen_text(line) else "" for line in lines]


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _decode(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else f"cannot be read ({error.strerror})"
        raise InputError(
            f"{path}: {reason}; a text corpus needs one {{text}}.txt a language in its folder"
        ) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}) at offset "
            f"{error.start}; convert the file to UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{path}: line {line} holds a NUL character; is this a text file?")
    return text
