"""What pydantic finds wrong, in one line: key, found, allowed, nearest match.

What is allowed stands in the JSON schema of the section, which is followed to the place of the
mistake: pydantic names the one limit that was passed, a message names them all.
"""

import math
import re
from contextlib import suppress
from typing import NamedTuple

from multiprune.errors import shown
from multiprune.experiment.settings.json_schema import alternatives, resolved
from multiprune.registry import names, unknown_name

MISSING, UNKNOWN, OWN = "missing", "extra_forbidden", "value_error"  # by pydantic's names
NAME = "[key]"  # at the end of pydantic's path where a name itself is wrong
LIMITS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


class _Null:
    def __repr__(self) -> str:
        return "None"


NULL = _Null()  # YAML's None; the code's None says that a key is left out


class Mistake(NamedTuple):
    """One of pydantic's errors, with the JSON schema of its place in the config."""

    kind: str  # pydantic's name of it
    path: tuple[str, ...]
    detail: str  # the key that is missing or unknown, or what one of our own checks says
    found: object
    schema: dict


def outermost(errors: list[dict], root: dict, where: str) -> str:
    """The line for the outermost of several errors: unknown keys by name, then the first other.

    `root` is the JSON schema of what was read, `where` its place in the config.
    """
    mistakes = [_mistake(error, root) for error in errors]
    worst = min(mistakes, key=_order)
    path = ".".join([where, *worst.path]).strip(".") or "top level"
    return path + _said(worst, root)


def _order(mistake: Mistake) -> tuple[int, bool, str]:
    unknown = mistake.kind == UNKNOWN
    return len(mistake.path), not unknown, mistake.detail if unknown else ""


def _mistake(error: dict, root: dict) -> Mistake:
    """Follow the path of an error, in which tags of alternatives stand beside keys."""
    kind, parts = error["type"], list(error["loc"])
    detail = parts.pop() if kind in (MISSING, UNKNOWN) else ""
    if kind == OWN:
        detail = str(error["ctx"]["error"])
    above, schema, path = {}, root, []
    for part in parts:
        if part == NAME and "propertyNames" in above:
            schema = above["propertyNames"]
            path.pop()
        elif "oneOf" in schema:
            schema = alternatives(schema, root)[1][part]
        else:
            entries = "items" if isinstance(part, int) else "additionalProperties"
            below = schema.get("properties", {}).get(part) or schema[entries]
            above, schema = schema, resolved(below, root)
            path.append(str(part))
    return Mistake(kind, tuple(path), detail, _as_read(error["input"], schema), schema)


def _as_read(found: object, schema: dict) -> object:
    """Numbers as the config would hold them, were they allowed: 5 and 5.0 mean the same."""
    if isinstance(found, list):
        return [_as_read(entry, schema.get("items", {})) for entry in found]
    if isinstance(found, int | float) and not isinstance(found, bool):
        if schema.get("type") == "number":
            return float(found)
        if schema.get("type") == "integer" and found == int(found):
            return int(found)
    return found


def _said(mistake: Mistake, root: dict) -> str:
    """What follows the path."""
    kind, path, detail, found, schema = mistake
    tag, options = alternatives(schema, root) if "oneOf" in schema else ("", {})
    match kind:
        case "extra_forbidden":
            return f": {unknown_name('key', detail, sorted(schema['properties']))}"
        case "missing":
            return f": {detail} is missing"
        case "union_tag_not_found" if tag and isinstance(found, dict):
            return f": {tag} is missing: allowed are {', '.join(options)}"
        case "union_tag_invalid" if tag and (place := _without_options(path, found[tag])):
            return f".{tag}: {shown(found[tag])} {place}"
        case "union_tag_invalid" if tag:
            return f".{tag}: {unknown_name(tag, found[tag], list(options))}"
        case "literal_error" if "enum" in schema:
            return f": {unknown_name('value', found, schema['enum'])}"
        case "literal_error":
            return f": found {shown(found)}, allowed is {schema['const']!r}"
        case "string_pattern_mismatch":
            allowed = f"text that matches {schema['pattern']}{_spelling(found, schema)}"
            return f": found {shown(found)}, allowed is {allowed}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return f": found {shown(found)}, allowed is {_range(schema)}"
        case "too_short" | "string_too_short":
            return ": is empty, at least 1 needed"
        case "too_long":
            most = schema.get("maxItems", schema.get("maxProperties"))
            return f": has {len(found)} entries, allowed are at most {most}"
        case "string_too_long":
            length, most = len(found), schema["maxLength"]
            return f": found {shown(found)} of {length} characters, allowed are {most}"
        case "value_error":
            return f": found {shown(found)}, {detail}"
        case _:
            types = list(options) if options and not tag else schema.get("type", "object")
            return f": found {shown(found)}, allowed is a value of type {_type(types, found)}"


def _without_options(path: tuple[str, ...], name: object) -> str:
    """Of a norm or an allocation that is a module, and that a config cannot name yet."""
    axis = f"{path[-1]}s" if path else ""
    if axis not in ("norms", "allocations") or name not in names(f"pruning.{axis}"):
        return ""
    return (
        f"stands in scripts/multiprune/pruning/{axis}/{name}.py, but has no class of its options; "
        f"add one to scripts/multiprune/experiment/settings/{axis}.py"
    )


def _type(types: str | list[str], found: object) -> str:
    """The type that is allowed, and what YAML made of a value that was meant to have it."""
    if types == "string" and not isinstance(found, dict | list | _Null):
        return f"{types}; put it in quotes"
    if types in ("number", "integer") and isinstance(found, str):
        with suppress(ValueError):
            if math.isfinite(number := float(found)):
                return f"{types}; it is text, write {number:g}"
    allowed = types if isinstance(types, str) else ", ".join(types)
    if "array" in (types if isinstance(types, list) else [types]) and type(found) in (str, int):
        return f"{allowed}; a list of one is [{found}]"
    return allowed


def _spelling(found: str, schema: dict) -> str:
    """What to write where only capitals, hyphens or underscores are in the way."""
    small = found.lower()
    for text in (small, small.replace("-", "_"), small.replace("_", "-")):
        if re.search(schema["pattern"], text):
            note = schema.get("$comment")
            return f"; write {shown(text)}" + (f"; {note}" if note else "")
    return ""


def _range(schema: dict) -> str:
    kind = schema["type"]
    return f"{'an' if kind == 'integer' else 'a'} {kind} " + " and ".join(
        f"{sign} {schema[key]}" for key, sign in LIMITS.items() if key in schema
    )
