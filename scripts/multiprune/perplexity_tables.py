"""The tables `perplexity` and `summary`: records compared with dense and with the baseline."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune import uncertainty
from multiprune.artefacts import read_json, set_aside
from multiprune.errors import InputError
from multiprune.grid import DENSE, ROLES, Grid
from multiprune.table_files import COLUMNS


@dataclass(frozen=True)
class Record:
    """Losses of one language under one mask. losses (nats), tokens [windows].

    unknown_share: of the tokens, those that stand for text which the vocabulary cannot spell.
    """

    losses: np.ndarray
    tokens: np.ndarray
    bits_per_byte: float
    unknown_share: float

    @property
    def log_perplexity(self) -> float:
        return float(self.losses.sum() / self.tokens.sum())


@dataclass(frozen=True)
class Comparison:
    """Logarithm of a ratio of perplexities and its bootstrap distribution [draws]."""

    log_ratio: float
    distribution: np.ndarray | None


@dataclass(frozen=True)
class Measurement:
    """One language under one method, sparsity and seed, against dense and against the baseline."""

    seed: int
    language: str
    record: Record
    to_dense: Comparison
    to_baseline: Comparison | None


def read_record(path: Path, grid: Grid) -> Record:
    """Read a perplexity record made with the grid's split and length."""
    content = read_json(path)
    try:
        losses = np.array(content["window_nll"], float)
        tokens = np.array(content["window_tokens"], float)
        bits_per_byte = float(content["bits_per_byte"])
        unknown_tokens = int(content["unknown_tokens"])
        found = (content["split"], content["length"])
    except (KeyError, TypeError, ValueError) as error:
        set_aside(path, f"is not a perplexity record ({error})")
    if losses.ndim != 1 or losses.shape != tokens.shape or not tokens.sum() > 0:
        set_aside(path, f"{losses.size} window losses do not fit {tokens.size} token counts")
    if found != (grid.split, grid.length):
        raise InputError(
            f"{path}: split and length are {found}, the grid asks for "
            f"{(grid.split, grid.length)}; remove the file and run the same command again"
        )
    return Record(losses, tokens, bits_per_byte, unknown_tokens / float(tokens.sum()))


class Runs:
    """The perplexity records of one model, each read once and compared window by window."""

    def __init__(self, results: Path | str, model: str, grid: Grid):
        self.folder, self.grid = Path(results) / model, grid
        self._records: dict[tuple, Record] = {}

    def record(self, method: str, sparsity: str, seed: int, language: str) -> Record:
        key = (method, sparsity, seed, language)
        if key not in self._records:
            folder = self.folder / f"seed{seed}" / "perplexity" / method / sparsity
            self._records[key] = read_record(folder / f"{language}.json", self.grid)
        return self._records[key]

    @cached_property
    def left_out(self) -> list[str]:
        """Languages that the tokenizer hardly knows: they count in no mean and no claim."""
        return [
            language
            for language in self.grid.evaluated
            if self.record(*self._dense(language)).unknown_share > self.grid.most_unknown_tokens
        ]

    def _dense(self, language: str) -> tuple:
        return (DENSE, "0", self.grid.methods[DENSE]["seeds"][0], language)

    def measure(self, method: str, sparsity: str, seed: int, language: str) -> Measurement:
        """One run's record, compared with dense and, where it has this sparsity, the baseline."""
        run = (method, sparsity, seed, language)
        return Measurement(
            seed,
            language,
            self.record(*run),
            self._compare(run, self._dense(language)),
            self._to_baseline(run),
        )

    def _to_baseline(self, run: tuple) -> Comparison | None:
        """A method that draws nothing has one result: it meets the baseline's mean over seeds."""
        method, sparsity, seed, language = run
        grid = self.grid
        if sparsity not in grid.methods.get(grid.baseline, {}).get("sparsities", []):
            return None
        seeds = [seed] if grid.methods[method].get("calibration") else grid.seeds
        stored = sorted({grid.measured_seed(grid.baseline, other) for other in seeds} - {None})
        compared = [self._compare(run, (grid.baseline, sparsity, s, language)) for s in stored]
        if not compared:
            return None
        draws = [comparison.distribution for comparison in compared]
        return Comparison(
            float(np.mean([comparison.log_ratio for comparison in compared])),
            None if any(draw is None for draw in draws) else np.mean(draws, axis=0),
        )

    def _compare(self, run: tuple, reference: tuple) -> Comparison:
        measured, other = self.record(*run), self.record(*reference)
        if not np.array_equal(measured.tokens, other.tokens):
            names = [" ".join(map(str, key)) for key in (run, reference)]
            raise InputError(
                f"{self.folder}: the windows of {names[0]} differ from those of {names[1]} "
                "(method, sparsity, seed, language); evaluate both on the same test text"
            )
        losses = (measured.losses, other.losses, measured.tokens)
        return Comparison(
            uncertainty.log_ratio(*losses),
            uncertainty.resampled_log_ratios(*losses, run[-1], self.grid.draws),
        )


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
