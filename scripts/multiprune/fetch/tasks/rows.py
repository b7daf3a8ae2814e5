"""The rows of tasks that lm-eval runs, fetched where there is network, for jobs without any.

The split that is scored is kept as Parquet beside its `task.json`. `datasets` would also answer
from its cache when offline, but with whatever revision was put there last.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from datasets import Dataset, IterableDataset, load_dataset
from jinja2 import TemplateError

from multiprune.errors import InputError
from multiprune.experiment.harness_tasks import (
    OWN,
    harness_folder,
    lm_eval_task,
    missing_reason,
    task_family,
)
from multiprune.fetch.hub import BROKEN_TRANSFER
from multiprune.fetch.hub_datasets import dataset_commit, dataset_errors
from multiprune.fetch.tasks.converted import BRANCH, converted_files, has_script
from multiprune.fetch.tasks.loading import load_members, member_names, task_manager
from multiprune.files.hashes import sha256_file
from multiprune.files.writing import replacing

REVISION = "main"  # of a task's dataset, unless the lock file knows the commit


@dataclass(frozen=True)
class Source:
    """Where a task takes its rows from, by its YAML and, for one in OWN, its language."""

    path: str
    name: str | None
    split: str
    options: dict = field(default_factory=dict)

    @property
    def definition(self) -> dict:
        """The dataset as a lock file knows it."""
        return {"kind": "huggingface", "dataset": self.path, "revision": REVISION}

    @property
    def conversion(self) -> dict:
        """The hub's conversion of the dataset, as a lock file knows it."""
        return self.definition | {"revision": BRANCH}

    def __str__(self) -> str:
        config = "" if self.name is None else f", config {self.name}"
        return f"dataset {self.path}{config}, split {self.split}"


class Revisions(NamedTuple):
    """A branch or commit of a dataset, and of the hub's conversion of it."""

    dataset: str | None
    conversion: str


def source_of(task: str, language: str) -> Source:
    """The dataset behind a task in a language; InputError where there is no such task."""
    name = lm_eval_task(task, language)
    if name is None:
        raise InputError(f"task {task}: {missing_reason(task, language)}")
    folder = harness_folder(task, language)
    manager = task_manager(folder)
    # The members of a group share one dataset.
    config = manager.task_index[member_names(manager, name)[0]].cfg
    options = dict(config.get("dataset_kwargs") or {})
    options.pop("trust_remote_code", None)  # never, whatever a task asks for
    split = config.get("test_split") or config["validation_split"]
    rows_of = language if folder == OWN else config.get("dataset_name")
    return Source(config["dataset_path"], rows_of, split, options)


def first_row(source: Source, revisions: Revisions) -> dict:
    """One row, streamed; raises InputError where the dataset cannot be read without network."""
    with dataset_errors(str(source), source.path):
        return next(iter(_load(source, revisions, streaming=True)[0]))


def _load(
    source: Source, revisions: Revisions, **options: object
) -> tuple[Dataset | IterableDataset, str | None]:
    """The rows, and the commit of the hub's conversion to Parquet where they are taken from it."""
    split, at = source.split, revisions.dataset
    if at is None or not has_script(source.path, at):  # None of a folder on this machine
        rows = load_dataset(
            source.path, source.name, split=split, revision=at, **source.options, **options
        )
        return rows, None
    commit, files = converted_files(source.path, source.name, split, revisions.conversion)
    try:
        return load_dataset("parquet", data_files={split: files}, split=split, **options), commit
    except FileNotFoundError:  # which says of a hub that fails, too, that it has not the file
        raise InputError(f"{source}: {BROKEN_TRANSFER}") from None


def fetch(task: str, language: str, folder: Path, cache: Path | str, revisions: Revisions) -> dict:
    """Download the rows of a task into `folder`; returns the content of its `task.json`.

    The rows are also read as lm-eval will read them. Whatever fails is one line that names the
    task, its dataset and the reason; NotThere where the hub does not have it.
    """
    source = source_of(task, language)
    try:
        commit = dataset_commit(source.path, revisions.dataset)
        with dataset_errors(str(source), source.path):
            pinned = Revisions(commit, revisions.conversion)
            rows, converted = _load(source, pinned, cache_dir=str(cache))
    except InputError as error:
        raise type(error)(f"task {task} ({language}): {error}") from None
    file = folder / f"{source.split}.parquet"
    with replacing(file) as temporary:
        rows.to_parquet(temporary)
    commits = {"revision": commit} | ({"converted": converted} if converted else {})
    manifest = _manifest(task, language, source, rows, commits, file)
    try:
        load_members(manifest, file, cache)
    except (LookupError, ValueError, TypeError, TemplateError) as error:
        file.unlink()
        reason = f"lm-eval cannot read its rows ({type(error).__name__}: {error})"
        raise InputError(f"task {task} ({language}): {source}: {reason}") from None
    return manifest


def _manifest(
    task: str, language: str, source: Source, rows: Dataset, commits: dict, file: Path
) -> dict:
    family = task_family(task)
    described = asdict(source)
    del described["options"]
    return {
        "task": task,
        "language": language,
        "lm_eval_task": family.names[language],
        "harness_folder": harness_folder(task, language),
        "format": "parquet",
        "file": file.name,
        "sha256": sha256_file(file),
        "id": list(family.id) if set(family.id) <= set(rows.column_names) else [],
        "dataset": described | commits | {"rows": len(rows)},
    }
