"""What masks cost, from Snakemake's benchmark files: statistics and pruning, and pruning alone.

Methods may share their statistics, whose cost is then the same measurement on both sides: so the
part that is theirs alone, the mask, is compared, too, by CPU time where the benchmarks have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multiprune.claims.definitions import Claim
from multiprune.claims.measurements import Measurements, NotMeasured
from multiprune.evaluation.downstream_runs import Run
from multiprune.files.json import read_json_lines
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS

SECONDS, CPU_TIME, MEMORY = "s", "cpu_time", "max_rss"
COLUMNS = {"seconds": (CPU_TIME, SECONDS), "memory": (MEMORY,)}  # of the mask, the first known
WORDS = {SECONDS: "by the clock", CPU_TIME: "by CPU time", MEMORY: "peak memory"}


@dataclass(frozen=True)
class Costs:
    """Logarithms of ratios of cost [pairs of runs]: of everything, and of the mask alone.

    by: how the mask was measured, in words.
    """

    sparsities: list[str]
    whole: np.ndarray
    mask: np.ndarray
    by: str


def measure(claim: Claim, measurements: Measurements) -> Costs:
    """The costs of the claim's pairs of runs over seeds and sparsities; raises NotMeasured.

    That is the cost of the final masks, or weights, without the sweep that chose a method's
    constants; of a sequential job that was killed, of the part after it was started again.
    """
    pairs = measurements.pairs(claim)
    for name in (*claim.methods, *claim.references):
        if measurements.grid.is_whole(name):
            raise NotMeasured(f"{name} is a model for each language, with masks of their own cost")
    whole = [[_whole(run, claim.resource, measurements) for run in pair] for pair in pairs]
    if len(pairs) < FEWEST_ITEMS:
        raise NotMeasured(f"{len(pairs)} pair(s) of runs (seeds and sparsities); three are needed")
    column, mask = _masks(pairs, claim.resource, measurements)
    return Costs([pair[0].sparsity for pair in pairs], _log_ratios(whole), mask, WORDS[column])


def _log_ratios(costs: Sequence[Sequence[float]]) -> np.ndarray:
    mine, other = np.array(costs).T
    return np.log(mine / other)


def _masks(pairs: list, resource: str, measurements: Measurements) -> tuple[str, np.ndarray]:
    """By the first column that the benchmarks of all masks know."""
    *better, last = COLUMNS[resource]
    for column in better:
        try:
            return column, _of_masks(pairs, column, measurements)
        except NotMeasured:
            continue
    return last, _of_masks(pairs, last, measurements)


def _of_masks(pairs: list, column: str, measurements: Measurements) -> np.ndarray:
    return _log_ratios(
        [
            [_benchmark(measurements, _mask_path(run, measurements), column) for run in pair]
            for pair in pairs
        ]
    )


def _whole(run: Run, resource: str, measurements: Measurements) -> float:
    """Seconds in all, or the largest memory, of collecting the statistics and pruning."""
    sets = measurements.grid.statistics(run.method)
    folder = Path("collect_statistics") / measurements.model / f"seed{run.seed}"
    paths = [folder / f"{name}.jsonl" for name in sets]
    paths.append(_mask_path(run, measurements))
    column = SECONDS if resource == "seconds" else MEMORY
    values = [_benchmark(measurements, path, column) for path in paths]
    return sum(values) if resource == "seconds" else max(values)


def _mask_path(run: Run, measurements: Measurements) -> Path:
    folder = Path(measurements.grid.rule(run.method)) / measurements.model / f"seed{run.seed}"
    return folder / run.method / f"{run.sparsity}.jsonl"


def _benchmark(measurements: Measurements, path: Path, column: str) -> float:
    """Mean over the repetitions in one of Snakemake's benchmark files."""
    if not (measurements.benchmarks / path).is_file():
        raise NotMeasured(f"no benchmark {path}")
    values = [row.get(column) for row in read_json_lines(measurements.benchmarks / path)]
    known = [value for value in values if isinstance(value, int | float) and value > 0]
    if not known or len(known) < len(values):
        raise NotMeasured(f"benchmark {path} has no {column}")
    return float(np.mean(known))
