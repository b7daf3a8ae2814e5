"""What the tables `perplexity` and `summary` share: ratios to dense and to the baseline.

Their intervals are those of the claims, so that one ratio has one interval everywhere.
"""

import math
from collections.abc import Sequence

import numpy as np

from multiprune.evaluation.perplexity_runs import Comparison, Measurement
from multiprune.experiment.grid import Grid
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS, Cell, Resampled


def ratios(measurements: Sequence[Measurement], grid: Grid) -> dict[str, float]:
    """Geometric means of the ratios with their intervals; every language has the same seeds."""
    dense = [(m.language, m.to_dense) for m in measurements]
    baseline = [(m.language, m.to_baseline) for m in measurements if m.to_baseline is not None]
    cells = {}
    for comparisons, name, prefix in (
        (dense, "ratio_to_dense", ""),
        (baseline, "ratio_to_baseline", "baseline_"),
    ):
        cells[name], low, high = mean_ratio(comparisons, grid)
        cells |= {f"{prefix}ci_low": low, f"{prefix}ci_high": high}
    return cells


def mean_ratio(
    comparisons: Sequence[tuple[str, Comparison]], grid: Grid
) -> tuple[float, float, float]:
    """Geometric mean of (language, comparison) over languages and seeds, and its interval."""
    logs = [comparison.log_ratio for _language, comparison in comparisons]
    return math.exp(np.mean(logs)) if logs else math.nan, *_interval(comparisons, grid)


def _interval(comparisons: Sequence[tuple[str, Comparison]], grid: Grid) -> tuple[float, float]:
    """(nan, nan) where there is nothing to average or too few windows in a language."""
    few = any(len(comparison.tokens) < FEWEST_ITEMS for _language, comparison in comparisons)
    if not comparisons or few:
        return math.nan, math.nan
    by_language: dict[str, list[Comparison]] = {}
    for language, comparison in comparisons:
        by_language.setdefault(language, []).append(comparison)
    cells = [
        Cell(
            language,
            "",
            f"windows {language}",
            np.concatenate([comparison.differences for comparison in own]),
            own[0].tokens,
        )
        for language, own in by_language.items()
    ]
    low, high = Resampled(cells, grid.draws).estimate().interval(grid.confidence)
    return math.exp(low), math.exp(high)
