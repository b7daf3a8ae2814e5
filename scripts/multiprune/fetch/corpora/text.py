"""A user's own file a language: plain text, or a JSON object with a "text" a line."""

from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.definitions import needed_source
from multiprune.fetch.enough import Windows, enough
from multiprune.fetch.own_text import BLANK_LINES, LINES, PLAIN, positions, too_few
from multiprune.fetch.splits import Dealt, split_of_position, without_repeats

FEWEST_PARAGRAPHS = 10  # one full turn of the rule that deals rows to splits


def read(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """Paragraphs of the file `source`.

    The id is the paragraph's position, which also decides its split: the line's number where
    `paragraphs` is `lines`, so that an empty line, which is no row, moves no other. How many
    positions there are is noted, since parallel files must have as many.
    """
    path = needed_source(source, "the text file")
    other = path.with_suffix(".jsonl" if path.suffix == PLAIN else PLAIN)
    if other.is_file():
        raise InputError(f"{path}: {other.name} stands beside it; remove one of the two")
    parted_by = corpus.get("paragraphs", BLANK_LINES)
    paragraphs = positions(path, parted_by)
    if (found := sum(map(bool, paragraphs))) < FEWEST_PARAGRAPHS:
        raise too_few(path, found, FEWEST_PARAGRAPHS, parted_by)
    prefix = "line" if parted_by == LINES and path.suffix == PLAIN else "p"
    dealt = [
        ({"id": f"{prefix}{position + 1:06d}", "text": paragraph}, split_of_position(position))
        for position, paragraph in enumerate(paragraphs)
        if paragraph
    ]
    kept, notes = without_repeats(dealt)
    return kept, notes | {"paragraphs": len(paragraphs)}


def check(corpus: dict, pinned: dict, text: str, source: Path | None, windows: Windows) -> str:
    """How many paragraphs the file gives, if they can be enough."""
    dealt, _notes = read(corpus, text, source)
    return enough(dealt, windows)
