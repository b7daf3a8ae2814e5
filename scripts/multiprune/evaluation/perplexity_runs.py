"""Perplexity records of one model: each read once, compared window by window."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from multiprune.errors import InputError
from multiprune.experiment.grid import DENSE, Grid
from multiprune.files.aside import set_aside
from multiprune.files.json import read_json


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
    """Paired differences of losses (nats) [pairs of runs, windows], and tokens [windows]."""

    differences: np.ndarray
    tokens: np.ndarray

    @property
    def log_ratio(self) -> float:
        """Logarithm of the ratio of perplexities, its mean over the pairs of runs."""
        return float(self.differences.sum(axis=1).mean() / self.tokens.sum())


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
        method = self.grid.measured_method(method, language)
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

    def measured(self) -> Iterator[tuple[str, str, list[Measurement]]]:
        """Every method and sparsity, sorted, with its measurements over seeds and languages.

        Members of methods that are pruned for each of some languages count for these methods.
        """
        for method, settings in sorted(self.grid.methods.items()):
            if self.grid.is_member(method):
                continue
            languages = self.grid.languages_of(method, self.grid.evaluated)
            for sparsity in sorted(settings["sparsities"], key=float):
                yield (
                    method,
                    sparsity,
                    [
                        self.measure(method, sparsity, seed, language)
                        for seed in sorted(settings["seeds"])
                        for language in languages
                    ],
                )

    def measure(self, method: str, sparsity: str, seed: int, language: str) -> Measurement:
        """One run's record, compared with dense and, where it has this sparsity, the baseline."""
        run = (method, sparsity, seed, language)
        return Measurement(
            seed,
            language,
            self.record(*run),
            self._compare(run, self._dense(language)),
            self.against(self.grid.baseline, *run),
        )

    def against(
        self, reference: str, method: str, sparsity: str, seed: int, language: str
    ) -> Comparison | None:
        """A run, compared with another method at its sparsity and seed; None where that has none.

        A method that draws nothing has one result: it meets the reference's of every seed.
        """
        run, grid = (method, sparsity, seed, language), self.grid
        if sparsity not in grid.methods.get(reference, {}).get("sparsities", []):
            return None
        seeds = [seed] if grid.methods[method].get("calibration") else grid.seeds
        stored = sorted({grid.measured_seed(reference, other) for other in seeds} - {None})
        compared = [self._compare(run, (reference, sparsity, s, language)) for s in stored]
        if not compared:
            return None
        differences = np.concatenate([comparison.differences for comparison in compared])
        return Comparison(differences, compared[0].tokens)

    def _compare(self, run: tuple, reference: tuple) -> Comparison:
        measured, other = self.record(*run), self.record(*reference)
        if not np.array_equal(measured.tokens, other.tokens):
            names = [" ".join(map(str, key)) for key in (run, reference)]
            raise InputError(
                f"{self.folder}: the windows of {names[0]} differ from those of {names[1]} "
                "(method, sparsity, seed, language); evaluate both on the same test text"
            )
        return Comparison((measured.losses - other.losses)[None], measured.tokens)
