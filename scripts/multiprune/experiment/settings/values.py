"""How values are written that stand at several places of a config."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic import WithJsonSchema as JsonSchema
from pydantic.fields import FieldInfo

from multiprune.experiment.settings.section import Section

JSON_TYPES = {
    "object": (dict, Section),
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
}


def json_type(value: object) -> str | None:
    """What JSON calls a value's type; None for what it has no name for."""
    return next((name for name, types in JSON_TYPES.items() if isinstance(value, types)), None)


def scalar(*types: str) -> Any:
    """The type of single values that have one of several JSON types."""

    def check(value: object) -> object:
        if json_type(value) not in types:
            raise ValueError(f"allowed is a value of type {', '.join(types)}")
        return value

    return Annotated[Any, PlainValidator(check), JsonSchema({"type": list(types)})]


def _whole(value: object) -> object:
    """5 and 5.0 mean the same, so they must look the same."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def distinct(most: int) -> tuple[FieldInfo, BeforeValidator]:
    """Annotations of a list of at least one and at most so many entries, each of them once."""

    def check(entries: object) -> object:
        if isinstance(entries, list) and len(entries) <= most:
            keys = [(isinstance(entry, bool), entry) for entry in entries]  # True is no 1
            if any(key in keys[:position] for position, key in enumerate(keys)):
                raise ValueError("each entry may stand there once")
        return entries

    limits = Field(min_length=1, max_length=most, json_schema_extra={"uniqueItems": True})
    return limits, BeforeValidator(check)


def whole(least: int, most: int) -> Any:
    """The type of whole numbers within limits, for lists and for keys that may be left out."""
    return Annotated[int, Field(ge=least, le=most), BeforeValidator(_whole)]


Whole = Annotated[int, BeforeValidator(_whole)]
Names = Annotated[list[str], *distinct(1000)]
Seed = whole(0, 2**32 - 1)
WindowLength = whole(2, 131_072)
Sparsity = Annotated[float, Field(gt=0, lt=1)]
Sparsities = Annotated[list[Sparsity], *distinct(100)]
ONE_LINE = "^[^\\x00-\\x1f\\x7f]*$"
# What figures and pages print as it stands; a dollar sign or a backslash would begin a formula.
Label = Annotated[
    str, Field(pattern=r"^(?! )[^\x00-\x1f\x7f$\\]*[^\x00-\x20\x7f$\\]$", max_length=40)
]
Slug = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$", max_length=100)]
CorpusName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]*$", max_length=100)]
Folder = Annotated[
    str,
    # Snakemake takes {x} and <x> in a path for its own names, programs a leading - for an option.
    Field(min_length=1, max_length=1000, pattern="^((~/|[^-~{}<>])[^{}<>]*)?$"),
]
Revision = Annotated[
    str,
    Field(
        pattern="^(?!.*[.][.])[A-Za-z0-9][A-Za-z0-9._/-]*$",
        max_length=200,
        description="Commit, tag or branch; pin a commit to be reproducible.",
    ),
]
