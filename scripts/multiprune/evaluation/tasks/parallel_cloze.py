"""A four-way continuation task made from any parallel corpus, as a real lm-eval task.

An item shows the beginning of a passage and asks which of four texts goes on. The wrong ones are
what follows at the cuts of three other paragraphs, so that every choice is real text of the same
kind. All that can be chosen is chosen on one language, the pivot: which paragraphs, where they are
cut, which items lend their continuation, the order of items and the place of the right choice.
Another language takes the same relative places of the same paragraphs. Adding a language therefore
changes nothing in the others, and an item has the same id everywhere.
"""

import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from multiprune.evaluation.tasks.parallel_text import ALIKE, CHOICES, answers, has_spaces, row

VERSION = "1.1"
DELIMITERS = (" ", "")
CURE = "use a longer parallel text, or lower context_characters and choice_characters"
FEWEST_LETTERS = 2  # in a choice: one character of Chinese or Japanese is too little to tell


@dataclass(frozen=True)
class Cut:
    """Shares of a paragraph: its context is [begin, middle), its continuation [middle, end)."""

    paragraph: str
    number: int
    begin: float
    middle: float
    end: float

    @property
    def id(self) -> str:
        """The same in every language."""
        return f"{self.paragraph}:{self.number}"


@dataclass(frozen=True)
class Item:
    """A cut, the cuts whose continuations are wrong for it, and the place of the right one."""

    cut: Cut
    distractors: tuple[Cut, ...]
    answer: int


def cuts_of(paragraph: str, text: str, context: int, choice: int) -> list[Cut]:
    """Where a paragraph of the pivot is cut: every `context` characters, `choice` to follow.

    A paragraph with less before its only continuation gives one cut if that is at least half of
    `context`, none if it is not.
    """
    room = len(text) - choice
    if room < context / 2:
        return []
    cuts = []
    for number in range(1, max(1, room // context) + 1):
        middle = min(number * context, room)
        places = (max(0, middle - context), middle, middle + choice)
        cuts.append(Cut(paragraph, number, *(place / len(text) for place in places)))
    return cuts


def plan_items(
    pivot: dict[str, str], items: int, context_characters: int, choice_characters: int, seed: int
) -> list[Item]:
    """At most `items` items, from the paragraphs (id -> text) of the pivot alone.

    The first cuts of all paragraphs come first, in random order, then the second ones and so on:
    any beginning of the list is spread over the text.
    """
    draw = random.Random(f"parallel_cloze {seed}")
    texts = continuations_of(pivot, context_characters, choice_characters)
    cuts = list(texts)
    draw.shuffle(cuts)
    cuts.sort(key=lambda cut: cut.number)
    places = answers(draw)
    planned = []
    for cut in cuts[:items]:
        distractors = _distractors(cut, cuts, texts, draw)
        if distractors:
            planned.append(Item(cut, distractors, next(places)))
    return planned


def continuations_of(pivot: dict[str, str], context: int, choice: int) -> dict[Cut, str]:
    """What follows at each cut of the pivot that has enough text on both sides."""
    spaced = has_spaces(pivot.values())
    return {
        cut: parts[1]
        for paragraph, text in pivot.items()
        for cut in cuts_of(paragraph, text, context, choice)
        if (parts := passage(text, cut, spaced))
    }


def _distractors(
    cut: Cut, cuts: list[Cut], texts: dict[Cut, str], draw: random.Random
) -> tuple[Cut, ...]:
    """Cuts of three other paragraphs whose continuations differ; none where there are fewer."""
    chosen: list[Cut] = []
    for other in draw.sample(cuts, len(cuts)):
        so_far = [cut, *chosen]
        if other.paragraph not in {one.paragraph for one in so_far} and texts[other] not in {
            texts[one] for one in so_far
        }:
            chosen.append(other)
        if len(chosen) == CHOICES - 1:
            return tuple(chosen)
    return ()


def documents(plan: list[Item], text: dict[str, str]) -> tuple[list[dict], dict[str, str]]:
    """Items in one language (id -> text), and the reason for each item that it lacks."""
    spaced = has_spaces(text.values())
    rows, dropped = [], {}
    for item in plan:
        reason, parts = "", []
        for cut in (item.cut, *item.distractors):
            if cut.paragraph not in text:
                reason = f"paragraph {cut.paragraph} is missing"
            elif (part := passage(text[cut.paragraph], cut, spaced)) is None:
                reason = f"paragraph {cut.paragraph} is too short at cut {cut.number}"
            else:
                parts.append(part)
        continuations = [part[1] for part in parts]
        if not reason and len(set(continuations)) < CHOICES:
            reason = ALIKE
        if reason:
            dropped[item.cut.id] = reason
            continue
        rows.append(row(item.cut.id, parts[0][0], continuations, item.answer))
    return rows, dropped


def passage(text: str, cut: Cut, spaced: bool) -> tuple[str, str] | None:
    """Context and continuation of a cut in one language; None where either is too short."""
    begin, middle, end = (
        _boundary(text, round(share * len(text)), spaced)
        for share in (cut.begin, cut.middle, cut.end)
    )
    context, continuation = text[begin:middle].strip(), text[middle:end].strip()
    enough = all(_letters(part) >= FEWEST_LETTERS for part in (context, continuation))
    return (context, continuation) if enough else None


def _boundary(text: str, place: int, spaced: bool) -> int:
    """The last place up to `place` where a word ends, or a character with all its marks."""
    while 0 < place < len(text):
        if text[place] == " " if spaced else not unicodedata.category(text[place]).startswith("M"):
            break
        place -= 1
    return place


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def delimiter(texts: Iterable[str]) -> str:
    """A blank between context and choice where it parts words."""
    return " " if has_spaces(texts) else ""


def why_none_is_planned(
    pivot: dict[str, str], context_characters: int, choice_characters: int
) -> str:
    """The reason why `plan_items` gives nothing, and what to do."""
    texts = continuations_of(pivot, context_characters, choice_characters)
    paragraphs = len({cut.paragraph for cut in texts})
    if paragraphs < CHOICES:
        return (
            f"no item can be built ({paragraphs} paragraphs are long enough, an item needs "
            f"{CHOICES}); {CURE}"
        )
    return (
        f"no item can be built ({paragraphs} paragraphs are long enough, but an item needs "
        f"{CHOICES} that go on differently, and these have {len(set(texts.values()))} "
        "continuations); use another text, or raise choice_characters"
    )
