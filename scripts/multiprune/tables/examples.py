"""The table `examples`: what dense and pruned models write behind the same prompts."""

import unicodedata
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import DENSE, Grid
from multiprune.files.aside import set_aside
from multiprune.files.json import read_json

COLUMNS = ["model", "language", "method", "sparsity", "prompt", "continuation"]
READS = ("examples",)
NEEDS = "evaluation.examples"
STANDARD = True
TITLE = "Examples of text"
PLACE = 15
UNSHOWN = {"Cc", "Cs"}  # control characters, halves of surrogate pairs
CAPTION = """\
What the dense model and every pruned one write behind the same prompt, a row per language and
method.

- **method, sparsity**: of the pruned model; dense is the unpruned one.
- **language, prompt**: the beginning that was given, from the config.
- **continuation**: at each step the likeliest next token (greedy generation), up to
  ``evaluation.examples.tokens``; line breaks are shown as spaces.

An example shows what a loss of perplexity looks like. It measures nothing: one prompt a language,
one calibration draw, and greedy generation repeats itself also where a model is intact.
"""


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per language and model, dense first."""
    rows = []
    for seed, method, sparsity in grid.examples["runs"]:
        path = results / model / f"seed{seed}" / "examples" / method / f"{sparsity}.json"
        content = read_json(path)
        try:
            rows += [
                (model, language, method, sparsity, *_texts(content["examples"][language]))
                for language in grid.examples["languages"]
            ]
        except (KeyError, TypeError, AttributeError) as error:
            set_aside(path, f"is not a record of examples ({error})")
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = table["method"].ne(DENSE)
    return (
        table.assign(order=order)
        .sort_values(["language", "order", "method"], ignore_index=True)
        .drop(columns="order")
    )


def _texts(example: dict) -> tuple[str, str]:
    """Prompt and continuation on one line each."""
    return _shown(example["prompt"]), _shown(example["continuation"])


def _shown(text: str) -> str:
    """Text on one line, in which what no page can show is marked as such."""
    line = " ".join(text.split())
    return "".join("\ufffd" if unicodedata.category(c) in UNSHOWN else c for c in line)
