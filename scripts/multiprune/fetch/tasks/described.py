"""`task.json`, which says of a prepared task where its rows are and which of lm-eval's tasks it is.

A folder of results may have come from elsewhere: what it names is joined to folders, and lm-eval
runs code that a task's YAML names.
"""

from pathlib import Path

from multiprune.experiment.harness_tasks import MISSING
from multiprune.files.aside import set_aside
from multiprune.files.folders import leads_below
from multiprune.files.json import parse_json, read_json

NOT_A_TASK = "does not describe a task (its rows, their format, lm-eval's folder and name)"
FORMATS = ("json", "parquet")  # of rows; `datasets` would take any other word for a dataset


def read_task(path: Path | str) -> dict:
    """Read a `task.json`; one whose shape is wrong is set aside with an InputError."""
    task = read_json(path)
    if not _well_formed(task):
        set_aside(path, NOT_A_TASK)
    return task


def parse_task(path: Path | str) -> dict:
    """A `task.json` that stays where it is, broken or not; ValueError where it is broken."""
    task, _checksum = parse_json(path)
    if not _well_formed(task):
        raise ValueError(NOT_A_TASK)
    return task


def left_out(task: str, language: str, reason: str) -> dict:
    """What stands in the place of a task that the hub does not have."""
    return {"task": task, "language": language, MISSING: reason}


def described_files(task: dict) -> dict[str, str]:
    """SHA-256 of the rows, and of lm-eval's YAML where the task has its own, by name."""
    if MISSING in task:
        return {}
    files = {task["file"]: task["sha256"]}
    if task["harness_folder"] is None:
        files[task["harness_file"]] = task["harness_sha256"]
    return files


def _well_formed(task: dict) -> bool:
    if MISSING in task:
        return all(isinstance(task.get(word), str) for word in ("task", "language", MISSING))
    words = ("task", "language", "lm_eval_task", "sha256")
    own = task.get("harness_folder") is None
    names = ("file", "harness_file") if own else ("file", "harness_folder")
    dataset, columns = task.get("dataset"), task.get("id")
    return (
        all(isinstance(task.get(word), str) for word in (*words, *["harness_sha256"] * own))
        and all(leads_below(task.get(name)) for name in names)
        and task.get("format") in FORMATS
        and isinstance(dataset, dict)
        and isinstance(dataset.get("split"), str)
        and isinstance(columns, list)
        and all(isinstance(column, str) for column in columns)
    )
