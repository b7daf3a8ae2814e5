"""The tables `perplexity` and `summary`: records compared with dense and with the baseline."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.experiment.grid import DENSE, ROLES, Grid
from multiprune.files.tables import COLUMNS
from multiprune.tables.perplexity_runs import Measurement, Runs
from multiprune.uncertainty import windows as uncertainty


def tabulate_perplexity(
    results: Path | str, model: str, grid: Grid
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `perplexity` (per language and seed) and `summary` (geometric means)."""
    runs = Runs(results, model, grid)
    rows, summaries = [], []
    for method, settings in sorted(grid.methods.items()):
        for sparsity in sorted(settings["sparsities"], key=float):
            measurements = [
                runs.measure(method, sparsity, seed, language)
                for seed in sorted(settings["seeds"])
                for language in grid.evaluated
            ]
            key = {"model": model, "method": method, "sparsity": sparsity}
            rows += _perplexity_rows(key, measurements, runs)
            summaries += _summary_rows(key, measurements, runs)
    table = pd.DataFrame(rows, columns=COLUMNS["perplexity"])
    return (
        table.sort_values("seed", kind="stable").reset_index(drop=True),
        pd.DataFrame(summaries, columns=COLUMNS["summary"]),
    )


def _perplexity_rows(key: dict, measurements: list[Measurement], runs: Runs) -> Iterator[dict]:
    grid = runs.grid
    for measurement in measurements:
        record, language = measurement.record, measurement.language
        row = key | {
            "language": language,
            "role": grid.role(key["method"], language),
            "tokens": int(record.tokens.sum()),
            "perplexity": math.exp(record.log_perplexity),
            "bits_per_byte": record.bits_per_byte,
            **_ratios([measurement], grid.confidence),
            "unknown_share": record.unknown_share,
            "note": "unknown tokens: left out of means" if language in runs.left_out else None,
        }
        for seed in sorted(grid.seeds) if key["method"] == DENSE else [measurement.seed]:
            yield row | {"seed": seed}


def _summary_rows(key: dict, measurements: list[Measurement], runs: Runs) -> Iterator[dict]:
    grid, without = runs.grid, runs.left_out
    for language_set in ("all", *ROLES):
        chosen = [
            measurement
            for measurement in measurements
            if language_set in ("all", grid.config_role(measurement.language))
            and measurement.language not in without
        ]
        if not chosen:
            continue
        languages = sorted({measurement.language for measurement in chosen})
        ratios = {
            language: np.mean([m.to_dense.log_ratio for m in chosen if m.language == language])
            for language in languages
        }
        worst = max(languages, key=lambda language: ratios[language])
        yield key | {
            "language_set": language_set,
            "languages": len(languages),
            "seeds": len({measurement.seed for measurement in chosen}),
            "perplexity": math.exp(np.mean([m.record.log_perplexity for m in chosen])),
            "bits_per_byte": float(np.mean([m.record.bits_per_byte for m in chosen])),
            **_ratios(chosen, grid.confidence),
            "worst_language": None if key["method"] == DENSE else worst,
            "worst_ratio": None if key["method"] == DENSE else math.exp(ratios[worst]),
            "note": f"without {' '.join(without)}: unknown tokens" if without else None,
        }


def _ratios(measurements: list[Measurement], confidence: float) -> dict[str, float]:
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
