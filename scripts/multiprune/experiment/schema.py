"""A closed JSON schema with defaults: one line for the first mistake, defaults filled in.

Where the schema offers alternatives (`oneOf`), the one is taken whose constant property (`kind`,
`score`) the value names, so that a message speaks of that alternative only.
"""

import math
import re
import sys
import unicodedata
from contextlib import suppress
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import relevance

from multiprune.errors import InputError, shown
from multiprune.registry import unknown_name

SCHEMA = Path(__file__).parents[3] / "config" / "schema.yaml"
# Control characters, halves of a surrogate pair, line and paragraph separators: none of them can
# stand in a path, a log or a table.
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


@cache
def load_schema() -> dict:
    """The schema of a config."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def with_defaults(value: object, schema: dict | None = None, where: str = "") -> object:
    """The value, checked, with every default filled in; raise InputError at the first mistake."""
    concrete, filled = _concrete(value, schema or load_schema(), where)
    _must_match(filled, concrete, where)
    return filled


def _must_match(value: object, schema: dict, where: str) -> None:
    errors = Draft202012Validator(schema).iter_errors(value)
    worst = max(
        errors, key=lambda error: (-len(error.absolute_path), relevance(error)), default=None
    )
    if worst is not None:
        raise InputError(_one_line(worst, where))


def alternatives(schema: dict) -> tuple[str, dict[str, dict]]:
    """The property that tells the alternatives of a `oneOf` apart, and they by its constant."""
    options = [resolved(option) for option in schema["oneOf"]]
    key = next(key for key, entry in options[0]["properties"].items() if "const" in entry)
    return key, {option["properties"][key]["const"]: option for option in options}


def resolved(schema: dict) -> dict:
    """The schema with its `$ref` followed; keys beside the reference win."""
    while "$ref" in schema:
        target = load_schema()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{key: entry for key, entry in schema.items() if key != "$ref"}}
    return schema


def _concrete(value: object, schema: dict, where: str) -> tuple[dict, object]:
    """The schema for just this value, no references or alternatives; the value with defaults."""
    schema = resolved(schema)
    if "oneOf" in schema and isinstance(value, dict):
        key, options = alternatives(schema)
        if key not in value:
            raise InputError(f"{where}: {key} is missing: allowed are {', '.join(options)}")
        if value[key] not in list(options):
            raise InputError(f"{where}.{key}: {unknown_name(key, value[key], list(options))}")
        schema = options[value[key]]
    elif "oneOf" in schema:
        schema = {"type": "object"}
    if not isinstance(value, dict):
        return schema, _normalised(value, schema, where)
    known = schema.get("properties", {})
    filled = {
        **{k: e["default"] for k, e in _resolved_all(known).items() if "default" in e},
        **value,
    }
    properties = {}
    for key, entry in filled.items():
        _check_key(key, schema, where)
        below = f"{where}.{key}" if where else key
        rule = known.get(key, schema.get("additionalProperties", {}))
        if isinstance(rule, dict):
            properties[key], filled[key] = _concrete(entry, rule, below)
    closed = {key: entry for key, entry in schema.items() if key not in ("properties", "default")}
    if isinstance(schema.get("additionalProperties"), dict):
        closed["additionalProperties"] = True
    else:
        properties = {**{key: {} for key in known}, **properties}
    return {**closed, "properties": properties}, filled


def _check_key(key: object, schema: dict, where: str) -> None:
    """Names are checked before what is below them, since messages about that hold the name."""
    where = where or "top level"
    if not isinstance(key, str):
        raise InputError(f"{where}: key {shown(key)} is not text; put it in quotes")
    _check_printable(key, where)
    _must_match(key, schema.get("propertyNames", {}), where)


def _check_printable(text: str, where: str) -> None:
    if UNPRINTABLE & set(map(unicodedata.category, text)):
        raise InputError(
            f"{where}: found {shown(text)}, which holds a line break or another control "
            "character; write it on one line"
        )


def _normalised(value: object, schema: dict, where: str) -> object:
    """5 and 5.0 mean the same, so they must look the same; what is not finite is refused."""
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_normalised(entry, schema["items"], where) for entry in value]
    if isinstance(value, str):
        _check_printable(value, where)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Not isfinite(), which fails itself on a whole number too large for a float.
        if not abs(value) <= sys.float_info.max:
            raise InputError(f"{where}: found {shown(value)}, allowed is a finite number")
        if schema.get("type") == "number":
            return float(value)
        if schema.get("type") == "integer" and value == int(value):
            return int(value)
    return value


def _resolved_all(properties: dict) -> dict:
    return {key: resolved(entry) for key, entry in properties.items()}


def _one_line(error: ValidationError, where: str) -> str:
    path = ".".join([where, *map(str, error.absolute_path)]).strip(".") or "top level"
    rule, found = error.validator_value, error.instance
    match error.validator:
        case "additionalProperties":
            allowed = sorted(error.schema["properties"])
            unknown = sorted(set(found) - set(allowed))[0]
            return f"{path}: {unknown_name('key', unknown, allowed)}"
        case "required":
            missing = next(key for key in rule if key not in found)
            return f"{path}: {missing} is missing"
        case "enum":
            return f"{path}: {unknown_name('value', found, [str(entry) for entry in rule])}"
        case "const":
            return f"{path}: found {shown(found)}, allowed is {rule!r}"
        case "type":
            return f"{path}: found {shown(found)}, allowed is a value of type {_type(rule, found)}"
        case "pattern":
            hint = _spelling(found, error.schema)
            return f"{path}: found {shown(found)}, allowed is text that matches {rule}{hint}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            return f"{path}: found {shown(found)}, allowed is {_range(error.schema)}"
        case "minItems" | "minProperties" | "minLength":
            return f"{path}: is empty, at least {rule} needed"
        case "maxItems" | "maxProperties":
            return f"{path}: has {len(found)} entries, allowed are at most {rule}"
        case "maxLength":
            length = len(found)
            return f"{path}: found {shown(found)} of {length} characters, allowed are {rule}"
        case "uniqueItems":
            return f"{path}: found {shown(found)}, each entry may stand there once"
        case _:
            return f"{path}: {error.message}"


def _type(rule: str | list[str], found: object) -> str:
    """The type that is allowed, and what YAML made of a value that was meant to have it."""
    if rule == "string" and not isinstance(found, dict | list | None):
        return f"{rule}; put it in quotes"
    if rule in ("number", "integer") and isinstance(found, str):
        with suppress(ValueError):
            if math.isfinite(number := float(found)):
                return f"{rule}; it is text, write {number:g}"
    return rule if isinstance(rule, str) else ", ".join(rule)


def _spelling(found: str, schema: dict) -> str:
    """What to write where only capitals, hyphens or underscores are in the way."""
    small = found.lower()
    for text in (small, small.replace("-", "_"), small.replace("_", "-")):
        if re.search(schema["pattern"], text):
            note = schema.get("$comment")
            return f"; write {shown(text)}" + (f"; {note}" if note else "")
    return ""


def _range(schema: dict) -> str:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    kind = schema["type"]
    return f"{'an' if kind == 'integer' else 'a'} {kind} " + " and ".join(
        f"{sign} {schema[key]}" for key, sign in signs.items() if key in schema
    )
