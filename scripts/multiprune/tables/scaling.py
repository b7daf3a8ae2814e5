"""The tables `scaling` and `scaling_cost`: what more calibration languages bring and cost.

Methods that differ only in the languages they take form a curve, named after the one that takes
the whole pool.
"""

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.experiment.grid import DENSE, LANGUAGE_SETS, Grid
from multiprune.files.tables import COLUMNS
from multiprune.tables.perplexity_runs import Runs
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS, Cell, Resampled

WHOLE = "all"  # the choice of a method that takes the whole pool

Point = tuple[str, str, int, str]  # curve, choice, number of languages, sparsity


def tabulate_scaling(results: Path | str, model: str, grid: Grid) -> pd.DataFrame:
    """The table `scaling`: a row per curve, choice, size, sparsity and set of languages.

    Ratios are compared by their logarithm. Random subsets are draws like seeds are, and languages
    a sample of their set: an interval says how far other draws and other languages would move the
    mean (`hierarchical_bootstrap`). It is left out for fewer than three languages.
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
    return pd.DataFrame(rows, columns=COLUMNS["scaling"])


def _points(grid: Grid) -> dict[Point, list[tuple[str, str, int]]]:
    """The runs (method, sparsity, seed) of each point of a curve, over draws and seeds."""
    points = defaultdict(list)
    for method, settings in sorted(grid.methods.items()):
        if curve := settings.get("curve"):
            subset = settings.get("subset", {"choice": WHOLE, "size": len(settings["calibration"])})
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
