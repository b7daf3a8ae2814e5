"""The table of all configuration keys in Markdown, generated from the schema."""

import json
from collections.abc import Iterator

from multiprune.experiment.schema import alternatives, load_schema, resolved

HEAD = """# Configuration

One YAML file describes an experiment. `config/demo.yaml` is the default; give others with
`--configfile`, later files win key by key, so that an overlay changes only what it names:

    snakemake --cores all --configfile config/demo.yaml mine.yaml

A dictionary in an overlay is merged into the one below it: an overlay adds languages and methods,
but cannot take any away; copy the file to do that. Values given with `--config` arrive as strings
where they are nested: use a file. Unknown keys are refused, and so is a key that stands twice.
Writing a default explicitly, or reordering languages, methods or seeds, reruns nothing.

Names have at most 100 characters (codes of languages 40), lists and maps 1,000 entries
(`sparsities` and values to choose from 100); a method chooses among at most 10,000 combinations,
and one config asks for at most 100,000 pruned models.

`NAME` stands for a name of your choice. This page is generated from `schema.yaml` (`make docs`).
"""
COLUMNS = "| key | value | default | meaning |\n|---|---|---|---|\n"
SECTIONS = ("model", "corpus", "method", "norm", "allocation", "task")


def render() -> str:
    """The whole page: the top level, then each choice between kinds."""
    schema = load_schema()
    parts = [HEAD, "\n## Top level\n\n", COLUMNS, *map(_row, _walk(schema, ""))]
    parts += [part for name in SECTIONS for part in _section(name, schema["$defs"][name])]
    return "".join(parts)


def _section(name: str, schema: dict) -> Iterator[str]:
    key, options = alternatives(schema)
    yield f"\n## {name}: by `{key}`\n\n{schema['description']}\n"
    for constant, option in options.items():
        yield f"\n### `{key}: {constant}`\n\n{option['description']}\n\n"
        inner = {k: entry for k, entry in option["properties"].items() if k != key}
        rows = [*map(_row, _walk({**option, "properties": inner}, ""))]
        yield COLUMNS + "".join(rows) if rows else "No further keys.\n"


def _walk(schema: dict, where: str) -> Iterator[tuple[str, dict, bool]]:
    """Every key below `where`, its schema and whether it must be given; not into alternatives."""
    for key, entry in schema.get("properties", {}).items():
        path = f"{where}.{key}" if where else key
        below = resolved(entry)
        yield path, below, key in schema.get("required", [])
        yield from _walk(below, path)
        named = below.get("additionalProperties")
        if isinstance(named, dict):
            yield from _walk(resolved(named), f"{path}.NAME")


def _row(entry: tuple[str, dict, bool]) -> str:
    path, schema, required = entry
    default = "required" if required else ""
    if "default" in schema and schema["default"] != {}:
        default = f"`{json.dumps(schema['default'])}`"
    cells = (f"`{path}`", _value(schema), default, schema.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _value(schema: dict) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "oneOf" in schema:
        return f"mapping, by `{alternatives(schema)[0]}`: see below"
    kinds = {"object": "mapping", "array": "list", "string": "text"}
    if isinstance(schema.get("type"), list):
        return " or ".join(_value({**schema, "type": kind}) for kind in schema["type"])
    kind = kinds.get(schema.get("type"), schema.get("type", ""))
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]:,}" for key, sign in bounds.items() if key in schema]
    items = schema.get("items") if kind == "list" else None
    return f"{kind} of {_value(items)}" if items else " ".join([kind, *limits])
