"""Units of a language beside those of the reference: what is kept, and in which split it is.

A unit is (document, unit, text) and has the id `document:unit`, the same in every language. The
reference alone decides which units there are and which split a document is in, so that equal ids
are translations of each other, and no language sees in calibration what another is tested on.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from multiprune.errors import InputError
from multiprune.fetch.letters import share_of_script
from multiprune.fetch.normal_form import normal_text, seen_text
from multiprune.fetch.splits import SHARES, SPLITS, Dealt, drop_repeats

Unit = tuple[str, str, str]

LEAST_CHARACTERS = 40  # of the reference's text; shorter ones are headings and labels
# Of a unit's letters. Names of programs and people stay as they are in translations.
LEAST_OF_SCRIPT = 0.3


@dataclass(frozen=True)
class Reference:
    """What the reference's text decides."""

    units: list[tuple[str, str]]  # (document, unit) that count, in their order
    seen: frozenset[str]  # all its texts, without blanks
    sizes: Counter[str]  # units of each document, those that do not count included
    splits: dict[str, str]  # of each document with units that count


def normalised(units: Iterable[Unit]) -> list[Unit]:
    """The units with their texts in normal form and on one line."""
    return [(document, unit, " ".join(normal_text(text).split())) for document, unit, text in units]


def reference_of(units: list[Unit], source: str, markup: str | None = None) -> Reference:
    """What a reference's normalised units decide; InputError where there are too few documents.

    Units in which the regular expression `markup` is found do not count, but for the size of their
    document: which split it is in does not depend on the expression.
    """
    counted, seen = [], set()
    sizes: Counter[str] = Counter()
    for name, text in _by_id(units).items():
        if len(text) >= LEAST_CHARACTERS and seen_text(text) not in seen:
            seen.add(seen_text(text))
            sizes[name[0]] += len(text)
            if not _holds(text, markup):
                counted.append(name)
    if len(sizes) < len(SPLITS):
        raise InputError(
            f"{source}: the reference has {len(sizes)} documents with paragraphs of at least "
            f"{LEAST_CHARACTERS} characters, {len(SPLITS)} are needed, one for each split"
        )
    return Reference(
        units=counted,
        seen=frozenset(seen_text(text) for _document, _unit, text in units),
        sizes=Counter(document for document, _unit, _text in units),
        splits=deal_documents(sizes),
    )


def deal_documents(sizes: dict[str, int]) -> dict[str, str]:
    """The split of each document: whole documents, the largest first, to whom lacks most.

    By size, the splits come as near to their shares as documents allow; the names decide between
    documents of one size.
    """
    parts, total = sum(SHARES.values()), sum(sizes.values())
    lacking = {split: total * SHARES[split] / parts for split in SPLITS}
    # So that small corpora have something of each.
    empty = sorted(SPLITS, key=lambda split: -SHARES[split])
    splits = {}
    for left, document in zip(
        range(len(sizes), 0, -1),
        sorted(sizes, key=lambda name: (-sizes[name], name)),
        strict=True,
    ):
        split = empty[0] if left <= len(empty) else max(SPLITS, key=lacking.__getitem__)
        if split in empty:
            empty.remove(split)
        lacking[split] -= sizes[document]
        splits[document] = split
    return splits


def beside_reference(
    units: list[Unit],
    reference: Reference,
    *,
    script: str | None,
    is_reference: bool,
    numbered: bool,
    markup: str | None = None,
) -> tuple[list[Dealt], dict[str, int]]:
    """Rows of a language with their splits, and how many units are lost in which way.

    `units` are normalised. Of `numbered` units, whose ids are positions, a document counts only if
    it has as many as the reference's. What equals any text of the reference is not translated.
    """
    own = _by_id(units)
    sizes = Counter(document for document, _unit, _text in units)
    lost: Counter[str] = Counter()
    dealt = []
    for document, unit in reference.units:
        text = own.get((document, unit))
        if numbered and document in sizes and sizes[document] != reference.sizes[document]:
            lost["other_shape"] += 1
        elif text is None:
            lost["missing"] += 1
        elif not seen_text(text):
            lost["empty"] += 1
        elif _holds(text, markup):
            lost["markup"] += 1
        elif not is_reference and seen_text(text) in reference.seen:
            lost["untranslated"] += 1
        elif script and share_of_script(text, script) < LEAST_OF_SCRIPT:
            lost["other_script"] += 1
        else:
            row = {"id": f"{document}:{unit}", "text": text}
            dealt.append((row, reference.splits[document]))
    kept, repeats = drop_repeats(dealt)
    ways = ("missing", "other_shape", "empty", "markup", "untranslated", "other_script")
    counts = {"of_reference": len(reference.units), "kept": len(kept)}
    return kept, counts | {way: lost[way] for way in ways} | {"repeats": repeats}


def _holds(text: str, markup: str | None) -> bool:
    return markup is not None and re.search(markup, text) is not None


def _by_id(units: list[Unit]) -> dict[tuple[str, str], str]:
    """Texts by their ids; an id that stands twice in a document says nothing, and is left out."""
    times = Counter((document, unit) for document, unit, _text in units)
    return {(document, unit): text for document, unit, text in units if times[document, unit] == 1}
