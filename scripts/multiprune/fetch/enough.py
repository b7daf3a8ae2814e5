"""Can a text be enough for its windows? Refused is only what is too little under every tokenizer.

How many tokens a text has is known only to a tokenizer, which is not here yet. But a token stands
for a byte at least: where a vocabulary does not know a letter, it falls back to the letter's bytes.
So a text that has fewer bytes than its windows have tokens is too little, whatever the model. Real
text has two to six bytes a token: what passes here can still be too little.
"""

from collections.abc import Iterable
from unicodedata import normalize

from multiprune.errors import InputError
from multiprune.fetch.splits import SPLITS, Dealt, Row, by_split, paragraph_counts

# Of a split, the number of windows and the tokens in each.
Windows = dict[str, list[int]]

STARTS = 2  # tokens that tokenizers begin a text with, at most; a window's length includes them
AROUND = 2  # tokens beside those of a row's letters, at most: the blank before it, the break behind
FORMS = ("NFC", "NFD", "NFKD")  # some tokenizers take letters apart first
CURES = {"calibration": "calibration.samples or calibration.length"}
CURE = "evaluation.perplexity.length"


def enough(dealt: Iterable[Dealt], windows: Windows) -> str:
    """How many rows each split has, for people; InputError where they are too little for sure."""
    dealt = list(dealt)
    if lines := shortages(dealt, windows):
        raise InputError("; ".join(lines))
    return paragraph_counts(dealt)


def shortages(dealt: Iterable[Dealt], windows: Windows) -> list[str]:
    """Of each split that is too short for sure: what was found, and what is needed."""
    rows, found = by_split(dealt), []
    for split in SPLITS:
        number, length = windows.get(split, (0, 0))
        most, needed = most_tokens(rows[split]), number * (length - STARTS)
        if most < needed:
            found.append(
                f"its {split} text has {len(rows[split])} rows, at most {most:,} tokens; "
                f"{number} windows of {length} tokens need {needed:,} or more; give more text "
                f"(of a dataset, more rows), or lower {CURES.get(split, CURE)}"
            )
    return found


def most_tokens(rows: Iterable[Row]) -> int:
    """Tokens that no tokenizer cuts the rows into more than: one a byte of the longest form."""
    return sum(
        AROUND + max(len(normalize(form, row["text"]).encode()) for form in FORMS) for row in rows
    )
