"""A user's own text: plain, its paragraphs parted by blank lines or one a line, or JSON lines.

A file that ends in .txt is plain text in UTF-8; any other has a JSON object with a "text" a line.
"""

import codecs
import json
from itertools import groupby
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.normal_form import normal_text, seen_text

PLAIN, LINES, BLANK_LINES = ".txt", "lines", "blank_lines"
PARTED_BY = (BLANK_LINES, LINES)


def positions(path: Path, paragraphs: str = BLANK_LINES) -> list[str]:
    """Paragraphs of a file in normal form, on one line each; empty where nothing is seen.

    `paragraphs`, by which plain text is parted, is one of PARTED_BY. The place in the list is the
    paragraph's position in the file: the line's number, or the object's.
    """
    if path.suffix == PLAIN:
        return (split_lines if paragraphs == LINES else split_paragraphs)(_decode(path))
    texts = [_on_one_line(normal_text(text)) for text in _objects(path)]
    return [text if seen_text(text) else "" for text in texts]


def own_paragraphs(path: Path, paragraphs: str = BLANK_LINES) -> list[str]:
    """Texts of a file to be scored, at least one; what stands in JSON objects stays as it is."""
    texts = positions(path, paragraphs) if path.suffix == PLAIN else _objects(path)
    if not (found := list(filter(None, texts))):
        raise InputError(f"{path}: has no paragraphs")
    return found


def too_few(path: Path, found: int, needed: int, paragraphs: str) -> InputError:
    """The error of a text with `found` paragraphs; says how it may have more."""
    cure = "add text"
    if path.suffix == PLAIN and paragraphs != LINES:
        lines = sum(map(bool, split_lines(_decode(path))))
        cure += " and part paragraphs by blank lines"
        if lines >= needed:
            cure = f"its {lines} lines are a paragraph each with `paragraphs: lines`; else {cure}"
    return InputError(f"{path}: has {found} paragraphs, at least {needed} are needed; {cure}")


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
    data = _read(path)
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


def _objects(path: Path) -> list[str]:
    """The `text` of each JSON object; lines with nothing in them are passed over."""
    lines = _read(path).removeprefix(codecs.BOM_UTF8).split(b"\n")
    return [
        _text_of(line, f"{path}: line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else f"cannot be read ({error.strerror})"
        raise InputError(
            f"{path}: {reason}; own text is a file in UTF-8, {{text}}.txt or {{text}}.jsonl a "
            "language"
        ) from None


def _text_of(line: bytes, where: str) -> str:
    try:
        row = line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where} is not UTF-8 (byte 0x{line[error.start]:02x}); convert the file to UTF-8"
        ) from None
    try:
        text = json.loads(row)["text"]
        text.encode()  # only text can, and not half a surrogate pair
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f'{where} is not a JSON object with a "text": {row[:60]}') from None
    return text
