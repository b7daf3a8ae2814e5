"""Which of four sentences is the translation: a task made from any parallel corpus.

An item shows a sentence of one language, the pivot, and asks which of four in another language says
the same; the wrong ones are translations of other sentences. All that can be chosen is chosen on
the pivot alone: which sentences, their order, the wrong choices and the place of the right one.

Wrong choices are about as long in the pivot: sentences are put in order of length and parted into
groups, and whatever is chosen from is of one group. Each of four sentences of a group is as likely
to be the right one, so that being the longest or the shortest, or in between, tells nothing. It
would tell if the nearest in length of each sentence were taken: the right one would be in between.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from multiprune.evaluation.tasks.parallel_text import ALIKE, CHOICES, answers, row

VERSION = "1.0"
DELIMITERS = ("\n",)
CURE = "use a longer parallel text, or raise longest_characters"
SHORTEST = 20  # characters in the pivot; fewer are headings and names
GROUP = 8  # sentences alike in length, at least; more where they are no multiple


@dataclass(frozen=True)
class Item:
    """A paragraph, its text in the pivot, three others, and the place of the right choice."""

    id: str
    context: str
    distractors: tuple[str, ...]
    answer: int


def plan_items(pivot: dict[str, str], items: int, longest_characters: int, seed: int) -> list[Item]:
    """At most `items` items in random order, from the paragraphs (id -> text) of the pivot alone.

    A text that several paragraphs share is asked once. Fewer items are the first of more.
    """
    draw = random.Random(f"translation_choice {seed}")
    asked = sentences(pivot, longest_characters)
    if len(asked) < CHOICES:
        return []
    group_of = {name: group for group in _groups(asked) for name in group}
    places = answers(draw)
    planned = []
    for name in draw.sample(list(asked), len(asked))[:items]:
        others = [other for other in group_of[name] if other != name]
        wrong = tuple(draw.sample(others, CHOICES - 1))
        planned.append(Item(name, asked[name], wrong, next(places)))
    return planned


def sentences(pivot: dict[str, str], longest_characters: int) -> dict[str, str]:
    """The paragraphs that are short enough to ask, and no two of one text."""
    first: dict[str, str] = {}
    for name, text in pivot.items():
        if SHORTEST <= len(text) <= longest_characters:
            first.setdefault(text, name)
    return {name: text for text, name in first.items()}


def _groups(asked: dict[str, str]) -> list[list[str]]:
    """Paragraphs in order of length, parted into equal groups of at least GROUP; one if fewer."""
    order = sorted(asked, key=lambda name: len(asked[name]))
    count = max(1, len(order) // GROUP)
    ends = [len(order) * number // count for number in range(count + 1)]
    return [order[begin:end] for begin, end in pairwise(ends)]


def documents(plan: list[Item], text: dict[str, str]) -> tuple[list[dict], dict[str, str]]:
    """Items in one language (id -> text), and the reason for each item that it lacks."""
    rows, dropped = [], {}
    for item in plan:
        names = (item.id, *item.distractors)
        choices = [text[name] for name in names if name in text]
        if len(choices) < CHOICES:
            missing = next(name for name in names if name not in text)
            dropped[item.id] = f"paragraph {missing} is missing"
        elif len(set(choices)) < CHOICES:
            dropped[item.id] = ALIKE
        elif item.context in choices:
            dropped[item.id] = "a choice is not translated"
        else:
            rows.append(row(item.id, item.context, choices, item.answer))
    return rows, dropped


def delimiter(texts: Iterable[str]) -> str:
    """What stands between context and choice, whatever the texts."""
    return DELIMITERS[0]


def why_none_is_planned(pivot: dict[str, str], longest_characters: int) -> str:
    """The reason why `plan_items` gives nothing, and what to do."""
    return (
        f"no item can be built ({len(sentences(pivot, longest_characters))} different paragraphs "
        f"have {SHORTEST} to {longest_characters} characters, an item needs {CHOICES}); {CURE}"
    )
