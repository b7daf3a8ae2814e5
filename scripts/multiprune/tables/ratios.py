"""What the tables `perplexity` and `summary` share: ratios to dense and to the baseline."""

import math
from collections.abc import Sequence

import numpy as np

from multiprune.evaluation.perplexity_runs import Measurement
from multiprune.uncertainty import windows as uncertainty


def ratios(measurements: Sequence[Measurement], confidence: float) -> dict[str, float]:
    """Geometric means of the ratios with their intervals; every language has the same seeds."""
    dense = [measurement.to_dense for measurement in measurements]
    baseline = [m.to_baseline for m in measurements if m.to_baseline is not None]
    cells = {}
    for comparisons, ratio, prefix in (
        (dense, "ratio_to_dense", ""),
        (baseline, "ratio_to_baseline", "baseline_"),
    ):
        logs = [comparison.log_ratio for comparison in comparisons]
        distributions = [comparison.distribution for comparison in comparisons]
        low, high = uncertainty.ratio_interval(distributions, confidence)
        cells[ratio] = math.exp(np.mean(logs)) if logs else math.nan
        cells |= {f"{prefix}ci_low": low, f"{prefix}ci_high": high}
    return cells
