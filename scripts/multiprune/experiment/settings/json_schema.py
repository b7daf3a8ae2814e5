"""The JSON schema of a config, for editors, messages and the page of all keys."""

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from multiprune.experiment.settings.section import Section


class _Closed(GenerateJsonSchema):
    """Says what a config may hold: no null, no name that breaks its pattern, no titles."""

    def nullable_schema(self, schema: dict) -> dict:
        return self.generate_inner(schema["schema"])

    def literal_schema(self, schema: dict) -> dict:
        return {"enum": schema["expected"]}

    def dict_schema(self, schema: dict) -> dict:
        found = super().dict_schema(schema)
        names = self.generate_inner(schema["keys_schema"])
        entries = self.generate_inner(schema["values_schema"])
        found.pop("patternProperties", None)
        return found | {"propertyNames": names, "additionalProperties": entries}

    def default_schema(self, schema: dict) -> dict:
        left_out = schema.get("default", ...) is None
        return self.generate_inner(schema["schema"]) if left_out else super().default_schema(schema)

    def encode_default(self, default: object) -> object:
        if isinstance(default, Section):
            return default.model_dump(exclude_unset=True)
        return super().encode_default(default)

    def model_schema(self, schema: dict) -> dict:
        found = super().model_schema(schema)
        del found["title"]
        return found

    def field_title_should_be_set(self, schema: dict) -> bool:
        return False

    def sort(self, value: dict, parent_key: str | None = None) -> dict:
        return value  # the order of the models


@cache
def json_schema(kind: Any) -> dict:
    """The schema of a section, or of one of several."""
    found = TypeAdapter(kind).json_schema(schema_generator=_Closed)
    return _in_one_line(found)


def schema_file(kind: Any) -> str:
    """The schema as the text of a file that editors read."""
    content = {"$schema": GenerateJsonSchema.schema_dialect, **json_schema(kind)}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _in_one_line(value: Any) -> Any:
    """Docstrings are descriptions, but for their line breaks."""
    if isinstance(value, dict):
        return {key: _in_one_line(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_in_one_line(entry) for entry in value]
    return " ".join(value.split()) if isinstance(value, str) and "\n" in value else value


def resolved(schema: dict, root: dict) -> dict:
    """The schema with its `$ref` followed; keys beside the reference win."""
    while "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        schema = target | {key: entry for key, entry in schema.items() if key != "$ref"}
    return schema


def alternatives(schema: dict, root: dict) -> tuple[str, dict[str, dict]]:
    """The key that tells the alternatives of a `oneOf` apart, and they by its value.

    Where the type of a value tells them apart, the key is empty and they stand by their types.
    """
    options = [resolved(option, root) for option in schema["oneOf"]]
    key = schema.get("discriminator", {}).get("propertyName", "")
    if not key:
        return key, {option["type"]: option for option in options}
    return key, {option["properties"][key]["const"]: option for option in options}
