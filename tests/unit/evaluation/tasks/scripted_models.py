"""Models whose answers are known beforehand, and a small task that they are asked."""

from pathlib import Path

import yaml
from lm_eval.api.model import LM

from multiprune.evaluation.tasks import parallel_cloze
from multiprune.evaluation.tasks.parallel_text import harness_config
from multiprune.files.hashes import sha256_file
from multiprune.files.json import write_json, write_json_lines

WORDS = ["able", "baby", "cake", "data", "each", "fact", "gain", "half"]
WORDS += ["idea", "join", "keep", "lady", "make", "name", "once", "page"]


class ScriptedModel(LM):
    """Answers every request with `answer(request)`, a log-likelihood."""

    truncated = 0

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def loglikelihood(self, requests):
        """As lm-eval asks for it: (log-likelihood, whether it is the likeliest text)."""
        return [(self.answer(request), False) for request in requests]

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError

    def generate_until(self, requests):
        raise NotImplementedError


def knows(label):
    """A model that is certain of the choice whose place `label(document)` gives."""
    return ScriptedModel(lambda request: 0.0 if request.idx == label(request.doc) else -100.0)


def uniform():
    """A model that finds everything equally likely."""
    return ScriptedModel(lambda request: -1.0)


def four_letter_text(number):
    """A paragraph of 16 different words of four letters, in its own order: 79 characters."""
    return " ".join(WORDS[(number * 5 + place * 7) % 16] for place in range(16))


def write_cloze(folder: Path, language: str = "en", paragraphs: int = 16) -> Path:
    """A prepared parallel_cloze of one item a paragraph; all choices are four words long."""
    text = {f"a{number:02d}": four_letter_text(number) for number in range(paragraphs)}
    rows, dropped = parallel_cloze.documents(parallel_cloze.plan_items(text, 40, 40, 20, 0), text)
    assert not dropped
    return write_task(folder, rows, language)


def write_task(folder: Path, rows: list[dict], language: str = "en", spaced: bool = True) -> Path:
    """A prepared parallel_cloze of these rows."""
    write_json_lines(folder / "test.jsonl", rows)
    named = "cloze", language, "test.jsonl"
    config = harness_config(*named, " " if spaced else "", parallel_cloze.VERSION)
    harness = folder / f"cloze_{language}.yaml"
    harness.write_text(yaml.safe_dump(config), encoding="utf-8")
    sha256 = sha256_file(folder / "test.jsonl")
    task = {
        "task": "cloze",
        "language": language,
        "lm_eval_task": f"cloze_{language}",
        "harness_folder": None,
        "harness_file": harness.name,
        "harness_sha256": sha256_file(harness),
        "format": "json",
        "file": "test.jsonl",
        "sha256": sha256,
        "id": ["id"],
        "dataset": {"path": "test.jsonl", "name": None, "split": "test", "revision": sha256},
    }
    write_json(folder / "task.json", task)
    return folder / "task.json"
