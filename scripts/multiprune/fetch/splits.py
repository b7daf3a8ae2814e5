"""Rows of a corpus (`{"id", "text"}`) dealt to calibration, validation and test.

Rows are dealt by position, never by content or chance: in parallel corpora the same paragraph
falls into the same split in every language.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.definitions import require_keys
from multiprune.fetch.normal_form import seen_text
from multiprune.files.json import write_json_lines
from multiprune.registry import find

SPLITS = ("calibration", "validation", "test")

# Of ten rows in a row, six calibrate, one validates and three test.
SHARES = {"calibration": 6, "validation": 1, "test": 3}

Row = dict[str, str]
Dealt = tuple[Row, str]  # a row and its split


def read_corpus(corpus: dict, text: str, source: Path | None) -> tuple[dict[str, list[Row]], dict]:
    """Rows by split, and notes, of language `text` from what `corpus["kind"]` names."""
    require_keys(corpus, ["kind"])
    kind = find("fetch.corpora", corpus["kind"], what="corpus kind")
    dealt, notes = kind.read(corpus, text, source)
    return by_split(dealt), notes


def split_of_position(position: int, sharing: Iterable[str] = SPLITS) -> str:
    """The split that the row at `position` (from 0) belongs to.

    With all three splits: position modulo 10 is 0-5 calibration, 6 validation, 7-9 test. Where
    only some splits share a source, its rows are dealt in the same order and proportions among
    them: calibration and validation get six and one of every seven rows.
    """
    sharing = set(sharing)
    turn = [split for split in SPLITS if split in sharing for _ in range(SHARES[split])]
    return turn[position % len(turn)]


def without_repeats(dealt: Iterable[Dealt]) -> tuple[list[Dealt], dict]:
    """`drop_repeats`, with the number dropped as a note for the manifest and a line in the log."""
    kept, dropped = drop_repeats(dealt)
    if dropped:
        print(f"{dropped} paragraphs whose text stood earlier are left out", file=sys.stderr)
    return kept, {"repeats_left_out": dropped}


def drop_repeats(dealt: Iterable[Dealt]) -> tuple[list[Dealt], int]:
    """Keep the first of rows with equal text; returns what is kept and the number dropped.

    Text is equal if it looks equal, blanks apart. Splits thus never share a text. Rows keep their
    ids, so that languages stay aligned by id.
    """
    seen: set[str] = set()
    kept, dropped = [], 0
    for row, split in dealt:
        if (text := seen_text(row["text"])) in seen:
            dropped += 1
        else:
            seen.add(text)
            kept.append((row, split))
    return kept, dropped


def keep_apart(dealt: Iterable[Dealt], source: str) -> tuple[list[Dealt], int]:
    """Drop the rows whose text a later split holds too; returns what is kept and how many go.

    Test text thus stays as it is, and nothing has seen it before. InputError, naming `source`,
    where nothing is left of a split.
    """
    rows = by_split(dealt)
    kept, dropped = [], 0
    for position, split in enumerate(SPLITS):
        names = SPLITS[position + 1 :]
        later = {seen_text(row["text"]): name for name in names for row in rows[name]}
        own = [row for row in rows[split] if seen_text(row["text"]) not in later]
        if rows[split] and not own:
            others = " and ".join(sorted({later[seen_text(row["text"])] for row in rows[split]}))
            raise InputError(
                f"{source}: the text of {split} stands in {others} too, all {len(rows[split])} "
                "paragraphs; name splits of different text"
            )
        dropped += len(rows[split]) - len(own)
        kept += [(row, split) for row in own]
    return kept, dropped


def by_split(dealt: Iterable[Dealt]) -> dict[str, list[Row]]:
    """Rows of each split, in order."""
    rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for row, split in dealt:
        rows[split].append(row)
    return rows


def paragraph_counts(dealt: Iterable[Dealt]) -> str:
    """How many rows each split has, for people."""
    counts = (f"{split} {len(rows)}" for split, rows in by_split(dealt).items())
    return f"{', '.join(counts)} paragraphs"


def write_splits(folder: Path | str, rows: dict[str, list[Row]], source: str) -> None:
    """Write `{split}.jsonl` for each split; an empty split is an InputError naming `source`."""
    empty = [split for split in SPLITS if not rows[split]]
    if empty:
        counts = ", ".join(f"{split} {len(rows[split])}" for split in SPLITS)
        raise InputError(
            f"{source}: no text for {' and '.join(empty)} (paragraphs found: {counts}; each split "
            "needs at least 1); use a longer or more complete text"
        )
    for split in SPLITS:
        write_json_lines(Path(folder) / f"{split}.jsonl", rows[split])
