"""Translation into the pivot language, few-shot: a task made from any parallel corpus.

As in Table 1 of Kim et al. (2024): a prompt shows some sentences with their translations, one a
line, then a sentence, and the model writes its translation up to the end of the line. What is shown
are the first paragraphs of the pivot, in the order of their ids, that are short enough and that the
language has; they are never asked. What is asked is drawn on the pivot alone.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass

from multiprune.evaluation.tasks.translation_choice import SHORTEST, sentences

VERSION = "1.0"
DELIMITERS = (" ",)
CURE = "use a longer parallel text, or raise longest_characters"
ASKED = {
    "output_type": "generate_until",
    "doc_to_text": "context",
    "doc_to_target": "reference",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 64, "do_sample": False},
    "metrics": {"bleu": "bleu", "chrf": "chrf"},
}
SPARE = 2  # times the shots: paragraphs kept for showing, of which a language may lack some


@dataclass(frozen=True)
class Item:
    """A paragraph with its text in the pivot, and what every item of a task has in common."""

    id: str
    reference: str
    shown: tuple[tuple[str, str], ...]  # id and text in the pivot
    shots: int
    source: str
    target: str


def plan_items(
    pivot: dict[str, str],
    items: int,
    shots: int,
    longest_characters: int,
    source: str,
    target: str,
    seed: int,
) -> list[Item]:
    """At most `items` items in random order, from the paragraphs (id -> text) of the pivot alone.

    `source` and `target` are the languages' names. Fewer items are the first of more.
    """
    asked = sentences(pivot, longest_characters)
    kept = sorted(asked)[: SPARE * shots]
    shown = tuple((name, asked.pop(name)) for name in kept)
    draw = random.Random(f"parallel_translation {seed}")
    return [
        Item(name, asked[name], shown, shots, source, target)
        for name in draw.sample(sorted(asked), len(asked))[:items]
    ]


def documents(plan: list[Item], text: dict[str, str]) -> tuple[list[dict], dict[str, str]]:
    """Items in one language (id -> text), and the reason for each item that it lacks."""
    rows, dropped = [], {}
    for item in plan:
        pairs = [(text[name], translation) for name, translation in item.shown if name in text]
        if len(pairs) < item.shots:
            dropped[item.id] = f"{len(pairs)} of {item.shots} paragraphs to show are there"
        elif item.id not in text:
            dropped[item.id] = f"paragraph {item.id} is missing"
        elif text[item.id] == item.reference:
            dropped[item.id] = "it is not translated"
        else:
            lines = [
                f"{item.source}: {sentence}\n{item.target}: {translation}\n"
                for sentence, translation in pairs[: item.shots]
            ]
            asked = f"{item.source}: {text[item.id]}\n{item.target}:"
            context = "".join([*lines, asked])
            rows.append({"id": item.id, "context": context, "reference": item.reference})
    return rows, dropped


def delimiter(texts: Iterable[str]) -> str:
    """What stands between a prompt and its translation, whatever the texts."""
    return DELIMITERS[0]


def why_none_is_planned(pivot: dict[str, str], longest_characters: int, **_asked: object) -> str:
    """The reason why `plan_items` gives nothing, and what to do."""
    return (
        f"no item can be built ({len(sentences(pivot, longest_characters))} different paragraphs "
        f"have {SHORTEST} to {longest_characters} characters, and some of them are shown); {CURE}"
    )
