"""The table `scaling_cost`: what more languages cost in seconds, memory and disk."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.experiment.grid import PRUNE_MODEL, Grid
from multiprune.files.json import read_json_lines

COLUMNS = ["model", "step", "method", "languages", "seconds", "memory_mb", "megabytes"]
READS = ("statistics", "masks")
STANDARD = False
TITLE = "Cost of calibration languages"
PLACE = 45
CAPTION = """\
What calibration languages cost in time, memory and disk.

- **step**: statistics or mask. Statistics are cumulative: row n is what those of the first n
  languages took together, under the smallest seed. A mask has one row, of the job that made it from
  the statistics. Jobs of languages that are chosen by their statistics also read the checksums of
  the whole pool's.
- **method**: of the mask, empty for statistics. **languages**: number of calibration languages.
- **seconds**: wall time of the jobs, added up. **memory_mb**: peak memory, the largest of the jobs.
- **megabytes**: size of the files, statistics added up.

From the benchmark files that Snakemake writes and from file sizes; a cell is empty where there is
none. Times depend on the machine and on what else ran on it.
"""

MEGABYTE = 1e6


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """Statistics of more and more languages, and the jobs of all masks.

    Seconds and memory are those of Snakemake's benchmarks, which a job that was not run here lacks.
    """
    rows = [*_statistics(results, model, grid), *_masks(results, model, grid)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _statistics(results: Path, model: str, grid: Grid) -> Iterator[dict]:
    """Row n adds up the first n languages of the pool, under the smallest seed."""
    whole = [
        entry for entry in grid.methods.values() if entry.get("curve") and not entry.get("subset")
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
            subset = settings.get("subset") or {"size": len(settings["calibration"])}
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
