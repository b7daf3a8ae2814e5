"""Which script the letters of a text are of, by the names that Unicode gives them."""

import unicodedata
from functools import cache

from multiprune.experiment.language_table import script_names

# What Unicode calls the letters of scripts that ISO 15924 names together, by variant or otherwise.
CALLED = {
    "Cans": ("CANADIAN",),
    "Hani": ("CJK",),
    "Hans": ("CJK",),
    "Hant": ("CJK",),
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
    "Kore": ("HANGUL", "CJK"),
}


def share_of_script(text: str, script: str) -> float:
    """Share of the letters of a text that are of a script (ISO 15924); 0 where it has none."""
    called = _called(script)
    letters = [_first_word(character) for character in text if character.isalpha()]
    return sum(word in called for word in letters) / max(1, len(letters))


@cache
def _called(script: str) -> tuple[str, ...]:
    """The first words of the names of a script's letters."""
    return CALLED.get(script) or (script_names()[script].upper().split()[0].strip(","),)


@cache
def _first_word(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
