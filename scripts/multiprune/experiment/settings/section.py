"""A mapping of a config: its keys are closed, and one of them may tell it from its alternatives."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A mapping with these keys and no others. Its values are checked and never converted.

    A key that may be left out is None in the code; nobody can write it.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, regex_engine="python-re")

    def plain(self) -> dict:
        """The section as YAML would hold it: with all defaults, without what is left out."""
        return self.model_dump(exclude_none=True)


def tag(description: str) -> FieldInfo:
    """The field whose one value tells a section from its alternatives."""

    def as_constant(schema: dict) -> None:
        (schema["const"],) = schema.pop("enum")

    return Field(description=description, json_schema_extra=as_constant)
