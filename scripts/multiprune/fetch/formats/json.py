"""JSON: its texts by the keys that lead to them."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase


def units(data: bytes, entry: dict, code: str) -> list[tuple[str, str, str]]:
    """Texts whose keys are as `entry["keys"]` has them, or all; the id is the keys, joined by dots.

    In the pattern `*` stands for one key, or for the number of an entry of a list; of several, what
    the first stands for is the document.
    """
    try:
        content = json.loads(data.decode("utf-8-sig"))
        found = list(_texts(content, ()))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    pattern = entry["keys"].split(".") if "keys" in entry else None
    return [(*_id(keys, pattern), text) for keys, text in found if _fits(keys, pattern)]


def _fits(keys: tuple[str, ...], pattern: list[str] | None) -> bool:
    if pattern is None:
        return True
    return len(keys) == len(pattern) and all(map(fnmatchcase, keys, pattern))


def _id(keys: tuple[str, ...], pattern: list[str] | None) -> tuple[str, str]:
    """Document and unit of the text that these keys lead to."""
    if pattern is None or pattern.count("*") < 2:
        return "", ".".join(keys)
    star = pattern.index("*")
    return keys[star], ".".join(keys[:star] + keys[star + 1 :])


def _texts(content: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(content, str):
        yield keys, content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _texts(value, (*keys, key))
    elif isinstance(content, list):
        for position, value in enumerate(content):
            yield from _texts(value, (*keys, str(position)))
