"""The table `interference`: what calibrating on all languages at once costs each of them."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from multiprune.evaluation.perplexity_runs import Runs
from multiprune.experiment.grid import Grid
from multiprune.tables.ratios import mean_ratio

COLUMNS = [
    "model", "method", "sparsity", "language", "seeds", "factor", "ci_low", "ci_high",
]  # fmt: skip
READS = ("perplexity",)
STANDARD = False
NEEDS = "a method calibrated on each language alone"
TITLE = "Interference"
PLACE = 24
CAPTION = """\
What calibrating on all languages at once costs each of them, a row per sparsity and language.

- **method**: the one that is pruned for each language, on text of this language alone.
  **sparsity, language**: of the two models that are compared, and the text that they are judged on.
- **seeds**: how many draws of calibration text were averaged.
- **factor, ci_low, ci_high**: the interference factor, perplexity under the baseline / perplexity
  under the language's own model, a geometric mean over draws, and its interval over windows and
  draws. Above 1 the other languages get in the way, below 1 they help.
"""


def alone(grid: Grid) -> list[str]:
    """The methods whose model for a language is calibrated on nothing else, sorted."""
    return sorted(
        name
        for name, entry in grid.methods.items()
        if (members := entry.get("members"))
        and all(grid.methods[member]["calibration"] == [code] for code, member in members.items())
    )


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per method of one language each, sparsity and language that the tokenizer knows."""
    return pd.DataFrame(_rows(Runs(results, model, grid), model), columns=COLUMNS)


def _rows(runs: Runs, model: str) -> Iterator[tuple]:
    grid = runs.grid
    pooled = grid.methods[grid.baseline]
    for method in alone(grid):
        for sparsity in sorted({*grid.methods[method]["sparsities"]} & {*pooled["sparsities"]}):
            for language in grid.languages_of(method, grid.evaluated):
                run = (method, grid.baseline, sparsity)
                found = [
                    (language, comparison)
                    for seed in pooled["seeds"]
                    if (comparison := runs.against(*run, seed, language)) is not None
                ]
                if found and language not in runs.left_out:
                    yield model, method, sparsity, language, len(found), *mean_ratio(found, grid)
