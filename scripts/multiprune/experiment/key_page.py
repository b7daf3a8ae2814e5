"""The table of all configuration keys in Markdown, generated from the settings."""

import json
from collections.abc import Iterator
from typing import Any

from multiprune.experiment.settings.allocations import Allocation
from multiprune.experiment.settings.corpora import Corpus
from multiprune.experiment.settings.evaluation import Task
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.json_schema import alternatives, json_schema, resolved
from multiprune.experiment.settings.methods import Method
from multiprune.experiment.settings.models import Model
from multiprune.experiment.settings.norms import Norm

HEAD = """# Configuration

One YAML file describes an experiment. `config/demo.yaml` is the default; give others with
`--configfile`, later files win key by key, so that an overlay changes only what it names:

    snakemake --workflow-profile local --configfile config/demo.yaml config/more.yaml

A dictionary in an overlay is merged into the one below it: an overlay adds languages and methods,
but cannot take any away; copy the file to do that. Values given with `--config` arrive as strings
where they are nested: use a file. Unknown keys are refused, and so is a key that stands twice.
Writing a default explicitly, or reordering languages, methods or seeds, reruns nothing.

An editor with a YAML language server shows all of this while you type, in a file that begins with

    # yaml-language-server: $schema=schema.json

(the path of `config/schema.json` from that file). An overlay leaves out what has to be in a whole
config, so it does without.

Names have at most 100 characters (codes of languages 40), lists and maps 1,000 entries
(`sparsities` and values to choose from 100); a method chooses among at most 10,000 combinations,
and one config asks for at most 100,000 pruned models.

`NAME` stands for a name of your choice. This page and `schema.json` are generated from
`scripts/multiprune/experiment/settings` (`make docs`).
"""
COLUMNS = "| key | value | default | meaning |\n|---|---|---|---|\n"
SECTIONS = {
    "model": Model,
    "corpus": Corpus,
    "method": Method,
    "norm": Norm,
    "allocation": Allocation,
    "task": Task,
}


def render() -> str:
    """The whole page: the top level, then each choice between kinds."""
    sections = (part for name, kind in SECTIONS.items() for part in _section(name, kind))
    return "".join([HEAD, "\n## Top level\n\n", _table(*[json_schema(Experiment)] * 2), *sections])


def _section(name: str, kind: Any) -> Iterator[str]:
    root = json_schema(kind)
    key, options = alternatives(root, root)
    yield f"\n## {name}: by `{key}`\n\n{root['description']}\n"
    for value, option in options.items():
        yield f"\n### `{key}: {value}`\n\n{option['description']}\n\n"
        inner = {k: entry for k, entry in option["properties"].items() if k != key}
        yield _table({**option, "properties": inner}, root) if inner else "No further keys.\n"


def _table(schema: dict, root: dict) -> str:
    return COLUMNS + "".join(_row(*entry, root) for entry in _walk(schema, "", root))


def _walk(schema: dict, where: str, root: dict) -> Iterator[tuple[str, dict, bool]]:
    """Every key below `where`, its schema and whether it must be given; not into sections."""
    if "oneOf" in schema:
        key, options = alternatives(schema, root)
        schema = {} if key else options.get("object", {})
    for key, entry in schema.get("properties", {}).items():
        path = f"{where}.{key}" if where else key
        below = resolved(entry, root)
        yield path, below, key in schema.get("required", [])
        yield from _walk(below, path, root)
        named = below.get("additionalProperties")
        if isinstance(named, dict):
            yield from _walk(resolved(named, root), f"{path}.NAME", root)


def _row(path: str, schema: dict, required: bool, root: dict) -> str:
    default = "required" if required else ""
    if schema.get("default", {}) != {}:
        default = f"`{json.dumps(schema['default'])}`"
    cells = (f"`{path}`", _value(schema, root), default, schema.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _value(schema: dict, root: dict) -> str:
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "oneOf" in schema:
        key, options = alternatives(schema, root)
        if key:
            return f"mapping, by `{key}`: see below"
        return " or ".join(_value(option, root) for option in options.values())
    kind = {"object": "mapping", "array": "list", "string": "text"}.get(
        schema["type"], schema["type"]
    )
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]:,}" for key, sign in bounds.items() if key in schema]
    items = schema.get("items") if kind == "list" else None
    return f"{kind} of {_value(items, root)}" if items else " ".join([kind, *limits])
