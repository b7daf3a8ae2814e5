"""The tables `scaling` and `scaling_cost`: what more calibration languages bring and cost.

Methods that differ only in the languages they take form a curve, named after the one that takes
the whole pool.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.artefacts import read_json_lines
from multiprune.grid import DENSE, LANGUAGE_SETS, PRUNE_MODEL, Grid
from multiprune.hierarchical_bootstrap import FEWEST_ITEMS, Cell, Resampled
from multiprune.perplexity_tables import Runs
from multiprune.table_files import COLUMNS

WHOLE = "all"  # the choice of a method that takes the whole pool
MEGABYTE = 1e6

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


def tabulate_scaling_cost(results: Path | str, model: str, grid: Grid) -> pd.DataFrame:
    """The table `scaling_cost`: statistics of more and more languages, and the jobs of all masks.

    Seconds and memory are those of Snakemake's benchmarks, which a job that was not run here lacks.
    """
    rows = [*_statistics(Path(results), model, grid), *_masks(Path(results), model, grid)]
    return pd.DataFrame(rows, columns=COLUMNS["scaling_cost"])


def _statistics(results: Path, model: str, grid: Grid) -> Iterator[dict]:
    """Row n adds up the first n languages of the pool, under the smallest seed."""
    whole = [
        entry for entry in grid.methods.values() if entry.get("curve") and "subset" not in entry
    ]
    pool = whole[0]["calibration"] if whole else []
    folder = Path(model) / f"seed{min(grid.seeds)}"
    total = {"seconds": 0.0, "memory_mb": 0.0, "megabytes": 0.0}
    for count, language in enumerate(sorted(pool), start=1):
        path = results / folder / "statistics" / f"{language}.safetensors"
        seconds, memory = _cost(results, Path("collect_statistics") / folder / f"{language}.jsonl")
        total["seconds"] += seconds
        total["memory_mb"] = float(np.maximum(total["memory_mb"], memory))  # nan where one is
        total["megabytes"] += path.stat().st_size / MEGABYTE
        yield {"model": model, "step": "statistics", "method": "", "languages": count, **total}


def _masks(results: Path, model: str, grid: Grid) -> Iterator[dict]:
    for method, sparsity, seed in grid.pruned():
        settings = grid.methods[method]
        if settings.get("curve") and grid.rule(method) == PRUNE_MODEL:
            name = Path(method) / sparsity
            folder = Path(model) / f"seed{seed}"
            mask = results / folder / grid.artefact(method) / f"{name}.safetensors"
            seconds, memory = _cost(results, Path(PRUNE_MODEL) / folder / f"{name}.jsonl")
            subset = settings.get("subset", {"size": len(settings["calibration"])})
            yield {
                "model": model, "step": "mask", "method": method, "languages": subset["size"],
                "seconds": seconds, "memory_mb": memory,
                "megabytes": mask.stat().st_size / MEGABYTE,
            }  # fmt: skip


def _cost(results: Path, benchmark: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of a job, nan where its benchmark is missing."""
    path = results / "benchmarks" / benchmark
    rows = read_json_lines(path) if path.is_file() else []
    values = [[row.get(column) for row in rows] for column in ("s", "max_rss")]
    numbers = [[v for v in column if isinstance(v, int | float)] for column in values]
    return tuple(float(np.mean(column)) if column else math.nan for column in numbers)
