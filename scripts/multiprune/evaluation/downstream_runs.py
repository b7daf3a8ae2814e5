"""Downstream records of one model: each read once, its items in the order of their ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from multiprune.errors import InputError
from multiprune.experiment.grid import DENSE, Grid
from multiprune.experiment.harness_tasks import MISSING
from multiprune.files.aside import set_aside
from multiprune.files.json import read_json

TRANSLATION = "parallel_translation"  # the kind of tasks in which models write
HARNESS = "lm_eval"  # the kind of tasks whose data are the hub's


class Run(NamedTuple):
    """One evaluated model: dense, or one mask."""

    method: str
    sparsity: str
    seed: int


@dataclass(frozen=True)
class Record:
    """One run on one task and language.

    scores: metric -> (score, standard error); ids, target [items]; correct: metric -> bool [items],
    for metrics that are a share of items; log_likelihoods [items, choices] in nats, None for a task
    without choices; chance: accuracy of a random choice, nan where there is none; truncated: items
    with a prompt that was longer than the model's positions and lost its beginning. Where models
    write, counts: metric -> [items, n], what an item counts in the score.
    """

    path: Path
    scores: dict[str, tuple[float, float]]
    chance: float
    truncated: int
    ids: np.ndarray
    target: np.ndarray | None
    correct: dict[str, np.ndarray]
    log_likelihoods: np.ndarray | None
    counts: dict[str, np.ndarray]


def read_record(path: Path) -> Record:
    """Read a downstream record; one that contradicts itself is set aside with an InputError."""
    content = read_json(path)
    try:
        samples = content["samples"]
        ids = np.array([str(name) for name in samples["id"]])
        order = np.argsort(ids, kind="stable")
        target, likelihoods = samples["target"], samples["log_likelihoods"]
        record = Record(
            path,
            {
                metric: (float(entry["score"]), _number(entry["stderr"]))
                for metric, entry in content["metrics"].items()
            },
            _number(content["chance"]),
            int(content["truncated"]),
            ids[order],
            None if target is None else np.array(target)[order],
            {name: np.array(marks, float)[order] for name, marks in samples["correct"].items()},
            None if likelihoods is None else np.array(likelihoods, float)[order],
            {name: np.array(rows)[order] for name, rows in samples.get("counts", {}).items()},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        set_aside(path, f"is not a downstream record ({error})")
    _check(record)
    marks = {name: values == 1 for name, values in record.correct.items()}
    return Record(**{**vars(record), "correct": marks})


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _check(record: Record) -> None:
    items = len(record.ids)
    if items == 0 or len(set(record.ids)) < items:
        set_aside(record.path, f"{len(set(record.ids))} different ids for {items} items")
    if not 0 <= record.truncated <= items:
        set_aside(record.path, f"{record.truncated} of its {items} items were truncated")
    for metric, marks in record.correct.items():
        if not np.isin(marks, (0, 1)).all() or metric not in record.scores:
            set_aside(record.path, f"samples.correct.{metric} are not the 0 and 1 of a metric")
        score = record.scores[metric][0]
        if abs(marks.mean() - score) > 1e-6:
            reason = f"{metric} is {score:g}, but its items have the mean {marks.mean():g}"
            set_aside(record.path, reason)
    likelihoods = record.log_likelihoods
    if likelihoods is not None and likelihoods.ndim != 2:
        set_aside(record.path, "samples.log_likelihoods is not a table of items and choices")


class DownstreamRuns:
    """The records of one model, which runs there are and what each is compared with.

    `tasks` are those with choices, `translations` those in which models write.
    """

    def __init__(self, results: Path | str, model: str, grid: Grid):
        self.folder, self.model, self.grid = Path(results) / model, model, grid
        self.methods = grid.downstream.get("methods", {})
        self._all_tasks = {
            name: self._as_found(name, task)
            for name, task in grid.downstream.get("tasks", {}).items()
        }
        self.tasks, self.translations = (
            {
                name: task
                for name, task in self._all_tasks.items()
                if (task.get("kind") == TRANSLATION) is written
            }
            for written in (False, True)
        )
        self._records: dict[tuple, Record] = {}

    def _as_found(self, name: str, task: dict) -> dict:
        """A task without the languages that the hub did not have; why is in its `missing`."""
        if task.get("kind") != HARNESS:
            return task
        records = {code: self._path(self.dense(), name, code) for code in task["languages"]}
        reasons = {code: read_json(path).get(MISSING) for code, path in records.items()}
        absent = {code: reason for code, reason in reasons.items() if reason}
        languages = [code for code in task["languages"] if code not in absent]
        return task | {"languages": languages, "missing": task["missing"] | absent}

    def runs(self) -> list[Run]:
        """Every evaluated run, sorted; dense has one."""
        return [
            Run(method, sparsity, seed)
            for method, settings in sorted(self.methods.items())
            for sparsity in sorted(settings["sparsities"], key=float)
            for seed in sorted(settings["seeds"])
        ]

    def cells(self, run: Run, task: str, language: str) -> dict:
        """What names a run on a task and language in a table, but for the seed."""
        method, sparsity, _ = run
        key = {"model": self.model, "method": method, "sparsity": sparsity}
        return key | {"task": task, "language": language}

    def dense(self) -> Run:
        return Run(DENSE, "0", self.grid.methods[DENSE]["seeds"][0])

    def baseline(self, run: Run) -> Run | None:
        """The baseline method at the same sparsity and seed, None where it was not evaluated.

        A baseline without calibration data has one result, which serves every seed.
        """
        method = self.grid.baseline
        if run.sparsity not in self.methods.get(method, {}).get("sparsities", []):
            return None
        seed = self.grid.measured_seed(method, run.seed)
        return None if seed is None else Run(method, run.sparsity, seed)

    def table_seeds(self, run: Run) -> list[int]:
        """Seeds that a run stands under in a table: dense, which has one result, under each."""
        return sorted(self.grid.seeds) if run.method == DENSE else [run.seed]

    def languages(self, run: Run, task: str) -> list[str]:
        """The languages of a task that a run is compared in, sorted."""
        return self.grid.languages_of(run.method, sorted(self._all_tasks[task]["languages"]))

    def in_language(self, run: Run, language: str) -> Run:
        """The run that stands for one in a language: itself, or the one pruned for the language."""
        return run._replace(method=self.grid.measured_method(run.method, language))

    def record(self, run: Run, task: str, language: str) -> Record:
        """A run's record, with the items of the dense model's."""
        run = self.in_language(run, language)
        record = self._read(run, task, language)
        dense = self._read(self.dense(), task, language)
        if not np.array_equal(record.ids, dense.ids):
            raise InputError(
                f"{record.path}: its {len(record.ids)} items differ from the {len(dense.ids)} of "
                f"{dense.path}; evaluate both on the same items with the same limit"
            )
        return record

    def _read(self, run: Run, task: str, language: str) -> Record:
        key = (run, task, language)
        if key not in self._records:
            self._records[key] = read_record(self._path(*key))
        return self._records[key]

    def _path(self, run: Run, task: str, language: str) -> Path:
        folder = self.folder / f"seed{run.seed}" / "downstream" / run.method / run.sparsity
        return folder / task / f"{language}.json"
