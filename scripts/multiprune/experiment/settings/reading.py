"""From what YAML gave to a section: its values, or one line about what is wrong."""

import sys
import unicodedata
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from multiprune.errors import InputError, shown
from multiprune.experiment.settings.json_schema import json_schema
from multiprune.experiment.settings.messages import NULL, outermost

# Control characters, halves of a surrogate pair, line and paragraph separators: none of them can
# stand in a path, a log or a table.
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def read(kind: Any, value: object, where: str = "") -> Any:
    """The value as a section, or as one of several, with every default filled in.

    `where` is its place in the config. InputError with one line where it cannot be that: first for
    what no key allows, then for the outermost mistake.
    """
    value = _well_formed(value, where)
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
    raise InputError(outermost(found, json_schema(kind), where))


@cache
def _adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(kind)


def _well_formed(value: object, where: str) -> object:
    """A copy in which NULL stands for None; InputError for what no key allows."""
    match value:
        case None:
            return NULL
        case dict():
            return {
                _name(key, where): _well_formed(entry, f"{where}.{key}" if where else key)
                for key, entry in value.items()
            }
        case list():
            return [
                entry if isinstance(entry, dict) else _well_formed(entry, where) for entry in value
            ]
        case str():
            _check_printable(value, where)
        # Not isfinite(), which fails itself on a whole number too large for a float.
        case int() | float() if not abs(value) <= sys.float_info.max:
            raise InputError(f"{where}: found {shown(value)}, allowed is a finite number")
    return value


def _name(key: object, where: str) -> str:
    where = where or "top level"
    if not isinstance(key, str):
        raise InputError(
            f"{where}: key {shown(key)} is not text; put it in quotes{_as_yaml_reads(key)}"
        )
    _check_printable(key, where)
    return key


def _as_yaml_reads(key: object) -> str:
    """Norwegian's `no` and others are words that YAML takes for truth values."""
    if not isinstance(key, bool):
        return ""
    words, example = ("yes, on and true", "on") if key else ("no, off and false", "no")
    return f': YAML reads {words} as {key}; write "{example}":'


def _check_printable(text: str, where: str) -> None:
    if UNPRINTABLE & set(map(unicodedata.category, text)):
        raise InputError(
            f"{where}: found {shown(text)}, which holds a line break or another control "
            "character; write it on one line"
        )
