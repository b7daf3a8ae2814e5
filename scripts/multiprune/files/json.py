"""Reading and writing results: atomic, byte-identical on a rerun, never a half-written file.

Formats are JSON, JSON lines and safetensors; nothing is ever unpickled. JSON and safetensors record
a SHA-256 of themselves, which every reader checks. A file that cannot be read, or that is no longer
what was written, is renamed to `*.corrupt`, so that the same command rebuilds it.
"""

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from multiprune.errors import InputError, shown
from multiprune.files.aside import set_aside
from multiprune.files.hashes import CHECKSUM, DIFFERS, sha256_json
from multiprune.files.noted_inputs import note_input
from multiprune.files.writing import replacing


def canonical(content: object) -> str:
    """JSON text with sorted keys: the same for the same meaning."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def parse_text(text: str) -> object:
    """What a JSON text holds; ValueError for NaN and infinity, which JSON has not, or deep nesting.

    Python's own parser takes NaN, makes infinity of 1e400, and ends with a RecursionError.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _finite(word: str) -> float:
    if math.isfinite(number := float(word)):
        return number
    raise ValueError(f"{shown(word)} is beyond the largest number")


# One for all texts: `json.loads` with options makes another for each line of a file.
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


@contextmanager
def _of_characters(path: Path | str) -> Iterator[None]:
    """InputError for text that no file can hold: JSON may state half of a surrogate pair."""
    try:
        yield
    except UnicodeEncodeError as error:
        around = error.object[max(0, error.start - 30) : error.end + 30]
        raise InputError(
            f"{path}: cannot hold {shown(around)}, in which half of a character (a lone surrogate) "
            "stands; mend the text that it comes from"
        ) from None


def write_json(path: Path | str, content: dict) -> None:
    """Write a JSON object with sorted keys and its checksum; NaN and infinity are refused."""
    read_back = json.loads(json.dumps(content, allow_nan=False))  # as a reader will see it
    with _of_characters(path), replacing(path) as temporary:
        signed = {**read_back, CHECKSUM: sha256_json(read_back)}
        text = json.dumps(signed, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path | str) -> dict:
    """Read a JSON object, without its checksum; one that was written elsewhere has none."""
    try:
        note_input(path)
        return parse_json(path)[0]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except ValueError as error:
        set_aside(path, str(error))


def parse_json(path: Path | str) -> tuple[dict, str | None]:
    """A JSON object and its checksum, if it has one; ValueError where it is broken."""
    try:
        content = parse_text(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ValueError("is not a JSON object")
    recorded = content.pop(CHECKSUM, None)
    if recorded is not None and recorded != sha256_json(content):
        raise ValueError(DIFFERS)
    return content, recorded


def write_json_lines(path: Path | str, rows: Iterable[dict]) -> None:
    """Write one JSON object a line."""
    with (
        _of_characters(path),
        replacing(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_json_lines(path: Path | str) -> list[dict]:
    """Read one JSON object a line."""
    try:
        return [parse_text(line) for line in _text(path).split("\n") if line]
    except ValueError as error:
        set_aside(path, f"is not JSON lines ({error})")


def _text(path: Path | str) -> str:
    note_input(path)
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
