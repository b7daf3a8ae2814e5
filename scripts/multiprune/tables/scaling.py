"""The table `scaling`: what more calibration languages bring.

Methods that differ only in the languages they take form a curve, named after the one that takes
the whole pool.
"""

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.evaluation.perplexity_runs import Runs
from multiprune.experiment.grid import DENSE, LANGUAGE_SETS, Grid
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS, Cell, Resampled

COLUMNS = [
    "model", "sparsity", "curve", "choice", "size", "language_set", "languages", "draws",
    "ratio_to_dense", "ci_low", "ci_high", "worst_ratio", "worst_low", "worst_high",
    "worst_language",
]  # fmt: skip
READS = ("perplexity",)
STANDARD = False
TITLE = "Number of calibration languages"
PLACE = 40
CAPTION = """\
Perplexity by the number and choice of calibration languages, a row for each curve, choice, size and
set of evaluated languages.

- **sparsity**: of the masks.
- **curve**: the method that uses all languages; masks of fewer languages are made with the same
  options. **choice**: all; random, nested random subsets; greedy, each next language farthest by
  its activation statistics from those taken; largest, the languages of most speakers. **size**:
  number of calibration languages.
- **language_set**: calibration, the languages of the pool, of which a subset holds only some;
  unseen-language, outside the pool but of a family in it, or of no known one; unseen-family, of a
  family that the pool does not have. **languages**: how many of them were evaluated. A set without
  any has no rows.
- **draws**: number of random subsets, 1 for other choices, times that of calibration draws (seeds).
- **ratio_to_dense**: geometric mean over languages and draws of perplexity / perplexity of the
  dense model. **ci_low, ci_high**: its interval over languages and draws.
- **worst_ratio**: ratio of the language that loses most, geometric mean over draws.
  **worst_low, worst_high**: range over draws, equal to worst_ratio with one draw.
  **worst_language**: that language, in the draw in which it loses most.

Intervals say how far other languages and other draws would move the mean; a cell is empty with
fewer than three languages. Rows of one set are measured on the same languages, so that two rows
whose intervals overlap may still differ.
"""

WHOLE = "all"  # the choice of a method that takes the whole pool

Point = tuple[str, str, int, str]  # curve, choice, number of languages, sparsity


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per curve, choice, size, sparsity and set of languages.

    Ratios are compared by their logarithm. Random subsets are draws like seeds are, and languages
    a sample of their set: an interval says how far other draws and other languages would move the
    mean (`uncertainty.seeds_and_items`). It is left out for fewer than three languages.
    """
    runs = Runs(results, model, grid)
    rows = []
    for (curve, choice, size, sparsity), measured in sorted(_points(grid).items()):
        key = {"model": model, "sparsity": sparsity, "curve": curve, "choice": choice}
        for language_set in LANGUAGE_SETS:
            names = [
                name
                for name in grid.evaluated
                if grid.language_set(name) == language_set and name not in runs.left_out
            ]
            if names:
                ratios = np.array(
                    [[_log_ratio(runs, *run, name) for name in names] for run in measured]
                )
                row = key | {"size": size, "language_set": language_set}
                rows.append(row | _summary(ratios, names, language_set, grid))
    return pd.DataFrame(rows, columns=COLUMNS)


def _points(grid: Grid) -> dict[Point, list[tuple[str, str, int]]]:
    """The runs (method, sparsity, seed) of each point of a curve, over draws and seeds."""
    points = defaultdict(list)
    for method, settings in sorted(grid.methods.items()):
        if curve := settings.get("curve"):
            subset = settings.get("subset") or {
                "choice": WHOLE,
                "size": len(settings["calibration"]),
            }
            for sparsity in settings["sparsities"]:
                point = (curve, subset["choice"], subset["size"], sparsity)
                points[point] += [(method, sparsity, seed) for seed in sorted(settings["seeds"])]
    return points


def _log_ratio(runs: Runs, method: str, sparsity: str, seed: int, language: str) -> float:
    dense = runs.record(DENSE, "0", runs.grid.methods[DENSE]["seeds"][0], language)
    return runs.record(method, sparsity, seed, language).log_perplexity - dense.log_perplexity


def _summary(ratios: np.ndarray, names: list[str], language_set: str, grid: Grid) -> dict:
    """What is said of logarithms of ratios [draws, languages]."""
    low = high = math.nan
    if len(names) >= FEWEST_ITEMS:
        cell = Cell("", "", language_set, ratios, np.ones(len(names)))
        low, high = Resampled([cell], grid.draws).estimate().interval(grid.confidence)
    worst = ratios.max(axis=1)  # [draws]
    return {
        "languages": len(names),
        "draws": len(ratios),
        "ratio_to_dense": math.exp(ratios.mean()),
        "ci_low": math.exp(low),
        "ci_high": math.exp(high),
        "worst_ratio": math.exp(worst.mean()),
        "worst_low": math.exp(worst.min()),
        "worst_high": math.exp(worst.max()),
        "worst_language": names[int(ratios[worst.argmax()].argmax())],
    }
