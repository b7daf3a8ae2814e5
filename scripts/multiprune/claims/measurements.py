"""What was measured for a claim: paired differences of two runs, or the reason why there are none.

Only what the grid says was run is read. A comparison pairs the runs of a seed; a method without
calibration data has one result, which meets those of every seed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.claims.definitions import ACCURACY, CONSISTENCY, PERPLEXITY, Claim
from multiprune.errors import InputError
from multiprune.evaluation.consistency import DESCENDING, is_parallel, paired_consistency
from multiprune.evaluation.downstream_runs import DownstreamRuns, Record, Run
from multiprune.evaluation.perplexity_runs import Runs
from multiprune.experiment.grid import CALIBRATION, DENSE, UNSEEN, Grid
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS, Cell

METRICS = ("acc_norm", "acc")  # the first that a task reports
Pair = tuple[Run, Run]


class NotMeasured(Exception):
    """Why a claim cannot be judged, in one line."""


class Measurements:
    """Everything that was measured on one model, each record read once.

    structure: the table of how alike languages are, None where the config does not ask for it.
    """

    def __init__(
        self, results: Path | str, model: str, grid: Grid, structure: pd.DataFrame | None = None
    ):
        self.model, self.grid, self.structure = model, grid, structure
        self.benchmarks = Path(results) / "benchmarks"
        self.perplexity = Runs(results, model, grid)
        self.downstream = DownstreamRuns(results, model, grid)

    def cells(self, claim: Claim) -> list[Cell]:
        """The claim's paired differences, of logarithms for a ratio; raises NotMeasured."""
        measure = {
            PERPLEXITY: self._perplexity,
            ACCURACY: self._accuracy,
            CONSISTENCY: self._consistency,
        }[claim.kind]
        cells = list(measure(claim))
        if not cells:
            raise NotMeasured(f"nothing was measured for {claim.scope}")
        few = sorted({cell.language for cell in cells if len(cell.weights) < FEWEST_ITEMS})
        if few:
            what = "windows" if claim.kind == PERPLEXITY else "items"
            raise NotMeasured(f"fewer than three {what} in {', '.join(few)}")
        return cells

    def seeds(self, claim: Claim) -> int:
        """Number of calibration draws that the claim's comparison rests on."""
        return len(_seed_pairs(claim, self.grid))

    def pairs(self, claim: Claim) -> list[Pair]:
        """The runs that the claim compares, over sparsities and seeds."""
        sparsities = _sparsities(claim, self.grid.methods, "the config")
        return [pair for sparsity in sparsities for pair in _pairs(claim, sparsity, self.grid)]

    def basis(self, claim: Claim, cells: list[Cell]) -> str:
        """What the differences are of, in words: metric, items and the level of chance."""
        counts = _span(str(len(cell.weights)) for cell in cells)
        if claim.kind == PERPLEXITY:
            return f"{counts} test windows a language"
        if claim.kind == CONSISTENCY:
            return f"{counts} items a language"
        found = {
            (metric, f"{record.chance:.3g}")
            for task, languages, pairs in self._tasks(claim)
            for language in languages
            for record in self._records(pairs, task, language)[0][:1]
            if (metric := metric_of(record))
        }
        metrics, chances = (sorted(set(values)) for values in zip(*found, strict=True))
        chance = _span(value for value in chances if value != "nan") or "unknown"
        return f"{' or '.join(metrics)}, {counts} items a language, chance {chance}"

    def _perplexity(self, claim: Claim) -> Iterator[Cell]:
        sparsities = _sparsities(claim, self.grid.methods, "the config")
        for language in self.in_scope(claim, self.grid.evaluated):
            for sparsity in sparsities:
                pairs = _pairs(claim, sparsity, self.grid)
                yield self._losses(pairs, language, sparsity)

    def _losses(self, pairs: list[Pair], language: str, sparsity: str) -> Cell:
        """Differences of losses in nats, which counted by tokens give the log ratio."""
        records = [[self.perplexity.record(*run, language) for run in pair] for pair in pairs]
        tokens = records[0][0].tokens
        for pair, compared in zip(pairs, records, strict=True):
            for run, record in zip(pair, compared, strict=True):
                if not np.array_equal(record.tokens, tokens):
                    raise InputError(
                        f"{self.perplexity.folder}: the windows of {' '.join(map(str, run))} in "
                        f"{language} differ from those of {' '.join(map(str, pairs[0][0]))}; "
                        "evaluate both on the same test text"
                    )
        differences = np.array([mine.losses - other.losses for mine, other in records])
        return Cell(language, sparsity, f"windows {language}", differences, tokens)

    def _accuracy(self, claim: Claim) -> Iterator[Cell]:
        for task, languages, pairs in self._tasks(claim):
            for language in languages:
                records = self._records(pairs, task, language)
                metric = metric_of(records[0][0])
                if metric is None:
                    continue
                differences = [
                    np.subtract(mine.correct[metric], other.correct[metric], dtype=float)
                    for mine, other in records
                ]
                yield _items(language, task, records[0][0].ids, differences)

    def _consistency(self, claim: Claim) -> Iterator[Cell]:
        reference = self._reference()
        order = self.downstream.grid.downstream.get("rankc_order", DESCENDING)
        for task, languages, pairs in self._tasks(claim):
            settings = self.downstream.tasks[task]
            if not is_parallel(task, settings) or reference not in settings["languages"]:
                continue
            for language in languages:
                if language == reference:
                    continue
                records = self._records(pairs, task, language)
                others = self._records(pairs, task, reference, under=language)
                differences = [
                    paired_consistency(mine, mine_there, order)
                    - paired_consistency(other, other_there, order)
                    for (mine, other), (mine_there, other_there) in zip(
                        records, others, strict=True
                    )
                ]
                ids = np.intersect1d(records[0][0].ids, others[0][0].ids)
                yield _items(language, task, ids, differences)

    def _tasks(self, claim: Claim) -> Iterator[tuple[str, list[str], list[Pair]]]:
        """Each task of the claim, its languages in scope and the runs to compare."""
        where = "evaluation.downstream"
        if not self.grid.downstream:
            raise NotMeasured(f"{where} is not in the config")
        unknown = sorted(set(claim.tasks) - set(self.downstream.tasks))
        if unknown:
            raise NotMeasured(f"task {unknown[0]} is not in {where}.tasks")
        sparsities = _sparsities(claim, self.downstream.methods, where)
        pairs = [pair for sparsity in sparsities for pair in _pairs(claim, sparsity, self.grid)]
        for task in claim.tasks or sorted(self.downstream.tasks):
            languages = self.downstream.tasks[task]["languages"]
            yield task, self.in_scope(claim, languages, required=False), pairs

    def _records(
        self, pairs: list[Pair], task: str, language: str, under: str | None = None
    ) -> list[list[Record]]:
        """Of each pair in a language; `under`: the language whose model answers, if it has one."""
        runs, under = self.downstream, under or language
        return [
            [runs.record(runs.in_language(run, under), task, language) for run in pair]
            for pair in pairs
        ]

    def in_scope(self, claim: Claim, languages, required: bool = True) -> list[str]:
        """Languages of the claim's scope, sorted; roles are those of the config.

        Those in which all that is compared has results, without those that the tokenizer hardly
        knows.
        """
        if claim.languages == "non-reference":
            chosen = set(languages) - {self._reference()}
        elif claim.languages in (CALIBRATION, UNSEEN):
            chosen = {name for name in languages if self.grid.config_role(name) == claim.languages}
        elif claim.languages.startswith("unseen-"):
            chosen = {name for name in languages if self.grid.language_set(name) == claim.languages}
        else:
            chosen = set(languages)
        if claim.corpus:
            chosen = {name for name in chosen if self.grid.corpus(name) == claim.corpus}
        if required and not chosen:
            which = (
                f"languages of {claim.corpus}" if claim.corpus else f"{claim.languages} languages"
            )
            raise NotMeasured(f"the config has no {which}")
        for method in (*claim.methods, *claim.references):
            chosen = set(self.grid.languages_of(method, chosen))
        if required and not chosen:
            raise NotMeasured(
                f"{claim.method} and {claim.reference} have no language of the scope in common"
            )
        known = chosen.difference(self.perplexity.left_out)
        if chosen and not known:
            raise NotMeasured(f"the tokenizer hardly knows {', '.join(sorted(chosen))}")
        return sorted(known)

    def _reference(self) -> str:
        if not self.grid.downstream:
            raise NotMeasured(
                "evaluation.downstream, which names the reference, is not in the config"
            )
        return self.grid.downstream["reference"]


def _sparsities(claim: Claim, methods: dict[str, dict], where: str) -> list[str]:
    """Sparsities to compare at: the claim's, or all that both runs have."""
    for method in (claim.method, claim.reference):
        if method not in methods:
            raise NotMeasured(f"method {method} is not in {where}")
    sides = [method for method in (claim.method, claim.reference) if method != DENSE]
    if claim.sparsity:
        for method in sides:
            if claim.sparsity not in methods[method]["sparsities"]:
                raise NotMeasured(f"{where} has no sparsity {claim.sparsity} of {method}")
        return [claim.sparsity]
    shared = set.intersection(*(set(methods[method]["sparsities"]) for method in sides))
    fewest = 2 if claim.each else 1
    if len(shared) < fewest:
        raise NotMeasured(f"{where} has {len(shared)} sparsities shared by {' and '.join(sides)}")
    return sorted(shared, key=float)


def _seed_pairs(claim: Claim, grid: Grid) -> list[tuple[int, int]]:
    """Seeds under which the two sides are stored; one pair where neither depends on the seed."""
    stored = {
        (grid.measured_seed(claim.method, seed), grid.measured_seed(claim.reference, seed))
        for seed in grid.seeds
    }
    pairs = sorted(pair for pair in stored if None not in pair)
    if not pairs:
        raise NotMeasured(f"{claim.method} and {claim.reference} have no seed in common")
    return pairs


def _pairs(claim: Claim, sparsity: str, grid: Grid) -> list[Pair]:
    def run(method: str, seed: int) -> Run:
        return Run(method, "0" if method == DENSE else sparsity, seed)

    return [
        (run(claim.method, mine), run(claim.reference, other))
        for mine, other in _seed_pairs(claim, grid)
    ]


def metric_of(record: Record) -> str | None:
    """The metric of a task that counts."""
    return next((name for name in METRICS if name in record.correct), None)


def _span(values: Iterable[str]) -> str:
    """`40`, or `6 to 9`; empty for none."""
    ordered = sorted(set(values), key=float)
    return " to ".join([*ordered[:1], *ordered[-1:][: len(ordered) > 1]])


def _items(language: str, task: str, ids: np.ndarray, differences: list[np.ndarray]) -> Cell:
    """A cell whose items are those of every language with the same ids."""
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
    return Cell(language, task, f"{task} {digest}", np.array(differences), np.ones(len(ids)))
