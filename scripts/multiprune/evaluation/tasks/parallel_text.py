"""What the kinds of tasks that are built from a parallel corpus have in common.

A kind is a module beside this one, found by its name: `plan_items` decides on one language alone,
the pivot, what is asked, `documents` asks it in another language. So a language changes nothing in
the others, and an item has the same id everywhere. Its constants are VERSION, another one whenever
equal text would give other items, DELIMITERS, all that may stand between context and choice, CURE,
what to do about a text that gives no item, and ASKED, what lm-eval does with an item if it is no
choice among four.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from multiprune.errors import InputError
from multiprune.registry import constants, names

KINDS = "evaluation.tasks"  # the package; what has DELIMITERS is a kind
CHOICES = 4
ALIKE = "two of its choices are alike"
CHOICE = {  # what lm-eval does with an item: it scores each choice
    "output_type": "multiple_choice",
    "doc_to_text": "context",
    "doc_to_choice": "choices",
    "doc_to_target": "answer",
    "metrics": {"acc": "mean", "acc_norm": "mean"},
}
# Scripts whose words follow each other without a blank, as Unicode begins the names of letters.
UNSPACED = (
    *("CJK", "HIRAGANA", "JAVANESE", "KATAKANA", "KHMER", "LAO", "MYANMAR"),
    *("TAI THAM", "THAI", "TIBETAN", "YI"),
)
SPACED = 0.03  # share of blanks from which they separate words: thirty letters and more are rare
SEGMENTED = 0.12  # the same in the scripts of UNSPACED, where blanks separate phrases


def paragraphs_by_id(rows: list[dict]) -> dict[str, str]:
    """Rows `{"id", "text"}` of a corpus file, blanks at the ends and in a row removed."""
    return {row["id"]: " ".join(row["text"].split()) for row in rows}


def has_spaces(texts: Iterable[str]) -> bool:
    """Whether words are separated by blanks, as they are not in Chinese, Burmese or Thai.

    The share of blanks alone does not tell: words of Greenlandic are longer than Burmese phrases.
    Where a quarter of the letters are of UNSPACED, words are separated only if somebody has
    segmented the text; Latin names and terms stand among them.
    """
    counts = Counter("".join(texts))
    letters = {character: count for character, count in counts.items() if character.isalpha()}
    without = sum(n for c, n in letters.items() if unicodedata.name(c, "").startswith(UNSPACED))
    least = SEGMENTED if without > sum(letters.values()) / 4 else SPACED
    return counts[" "] >= least * counts.total()


def answers(draw: random.Random) -> Iterator[int]:
    """Places of the right choice, without end: among each four in a row it has every place once.

    So whoever always names one place scores chance.
    """
    while True:
        yield from reversed(draw.sample(range(CHOICES), CHOICES))


def row(item: str, context: str, choices: list[str], answer: int) -> dict:
    """An item as lm-eval reads it; of `choices` the first is right, and comes to its place."""
    right, *wrong = choices
    placed = [*wrong[:answer], right, *wrong[answer:]]
    return {"id": item, "context": context, "choices": placed, "answer": answer}


def check_enough(language: str, rows: list[dict], dropped: dict[str, str], cure: str) -> None:
    """Raise InputError where a language has none of the items that were planned."""
    if not rows:
        reason = next(iter(dropped.values()))
        raise InputError(f"{language}: no item can be built ({reason}); {cure}")


def harness_config(
    task: str, language: str, file: str, delimiter: str, version: str, asked: dict = CHOICE
) -> dict:
    """The task as lm-eval reads it from YAML; `file` holds the rows."""
    return {
        "task": f"{task}_{language}",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": file}},
        "test_split": "test",
        **{key: value for key, value in asked.items() if key != "metrics"},
        "target_delimiter": delimiter,
        "num_fewshot": 0,
        "metric_list": [
            {"metric": metric, "aggregation": aggregation, "higher_is_better": True}
            for metric, aggregation in asked["metrics"].items()
        ],
        "metadata": {"version": version},
    }


def harness_configs(task: str, language: str, file: str) -> list[dict]:
    """All that `harness_config` can be for a task, whatever its kind."""
    kinds = [constants(KINDS, name) for name in names(KINDS, having="DELIMITERS")]
    return [
        harness_config(task, language, file, delimiter, kind["VERSION"], kind.get("ASKED", CHOICE))
        for kind in kinds
        for delimiter in kind["DELIMITERS"]
    ]
