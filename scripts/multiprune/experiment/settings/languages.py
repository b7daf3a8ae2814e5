"""A language: its text and what is known of it."""

from typing import Annotated, Literal

from pydantic import Field

from multiprune.experiment.settings.section import Section
from multiprune.experiment.settings.values import ONE_LINE, CorpusName, whole

LanguageCode = Annotated[
    str,
    Field(
        pattern="^[a-z0-9_]+$",
        max_length=40,
        json_schema_extra={"$comment": "the text's own code stands under `text:`"},
    ),
]
TextCode = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Speakers = whole(0, 100_000_000_000)


class Language(Section):
    """A language: its text and what is known of it."""

    # Validation fills in the text and the name.
    corpus: str = Field(description="Corpus that holds the language.")
    text: TextCode | None = Field(
        None,
        description="The language's code in the corpus; the language's own code if left out.",
    )
    role: Literal["calibration", "unseen"] = Field(
        description="calibration: methods may calibrate on it; unseen: only evaluated."
    )
    name: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=ONE_LINE,
        description="Name shown in figures, on one line; the code if left out.",
    )
    script: str | None = Field(
        None,
        pattern="^[A-Z][a-z]{3}$",
        description="Script of the text, ISO 15924 (Latn); for text of kinds udhr and package the "
        "language table's if left out.",
    )
    family: str | None = Field(
        None,
        pattern="^[a-z]{2,3}$",
        description="Language family, ISO 639-5 (ine); for text of kinds udhr and package the "
        "language table's if left out.",
    )
    speakers: Speakers | None = Field(
        None,
        description="Number of speakers, for calibration.largest and weighting speakers; for text "
        "of kinds udhr and package the language table's if left out.",
    )
    texts: dict[CorpusName, TextCode] = Field(
        {},
        description="The language's code in other corpora that have it too (parallel text), by "
        "corpus.",
    )
