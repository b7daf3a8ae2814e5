"""Can every model, text and task of a config be had? Asked before any GPU hour is spent."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from multiprune.errors import InputError, in_one_line
from multiprune.experiment.harness_tasks import MISSING
from multiprune.fetch.enough import Windows, enough
from multiprune.fetch.hub import NotThere
from multiprune.fetch.hub_datasets import dataset_commit
from multiprune.fetch.model_files import Check
from multiprune.fetch.revisions import RevisionLock, found_commit
from multiprune.fetch.splits import SPLITS
from multiprune.files.json import read_json, read_json_lines
from multiprune.files.manifests import intact_manifest
from multiprune.files.writing import scratch_folder
from multiprune.registry import find


@dataclass(frozen=True)
class Finding:
    """What was asked about, whether all is well, and what was found or what to do."""

    kind: str
    name: str
    passed: bool
    detail: str


def check_model(
    name: str, definition: dict, lock: RevisionLock, fits: Check = lambda _folder: None
) -> str:
    """What was found; raises InputError where the model could not be fetched or pruned."""
    kind, pinned = find("fetch.models", definition["kind"]), lock.pin(f"models/{name}", definition)
    with scratch_folder() as folder:
        return kind.check(definition, pinned, folder, fits)


def check_corpus(
    name: str, definition: dict, source: Path | None, lock: RevisionLock, windows: Windows
) -> str:
    """What was found; raises InputError where a language's text is too short, or not to be had."""
    corpus, text = definition["corpus"], definition["text"]
    kind, pinned = find("fetch.corpora", corpus["kind"]), lock.pin(f"corpora/{name}", corpus)
    return kind.check(corpus, pinned, text, source, windows)


def check_fetched(folder: Path, windows: Windows) -> str:
    """What is there of a language's text; raises InputError where it is too short."""
    dealt = [(row, split) for split in SPLITS for row in read_json_lines(folder / f"{split}.jsonl")]
    return f"fetched already, {enough(dealt, windows)}"


def check_task(task: str, language: str, lock: RevisionLock, optional: bool = False) -> str:
    """What was found; raises InputError where a task's rows could not be fetched.

    What the hub does not have of an `optional` task is left out.
    """
    # lm-eval takes seconds to import, and most configs name no task of the hub.
    from multiprune.fetch.tasks.rows import Revisions, first_row, source_of

    source = source_of(task, language)
    revision = lock.pin(f"tasks/{task}", source.definition)["revision"]
    try:
        commit = dataset_commit(source.path, revision)
        conversion = lock.pin(f"tasks/{task}/converted", source.conversion)["revision"]
        first_row(source, Revisions(commit, conversion))
        now = dataset_commit(source.path, source.definition["revision"])
    except NotThere as error:
        if not optional:
            raise
        return f"will be left out ({error})"
    return found_commit(source.definition, commit, now)


def check_left_out(task: Path, optional: bool) -> str:
    """Why a task was left out at its fetch; raises InputError where it must not be missing."""
    reason = read_json(task)[MISSING]
    found = f"left out earlier ({reason}); remove {task.parent} to ask the hub again"
    if not optional:
        raise InputError(found)
    return found


def on_disk(manifest: Path, definition: dict) -> bool:
    """Whether a download of this definition is there, so that nobody needs to be asked."""
    held = intact_manifest(manifest)
    return held is not None and held["definition"] == definition


def check_gpu(line: Path) -> str:
    """What a job on the cluster wrote of its GPU; one without a usable GPU has failed."""
    return line.read_text(encoding="utf-8").strip()


def check_tool(name: str) -> str:
    """Path of a program; raises InputError where it is missing."""
    if (path := shutil.which(name)) is None:
        raise InputError("not found on PATH; `snakemake --profile slurm` needs it, even to plan")
    return path


def findings(checks: dict[tuple[str, str], Callable[[], str]]) -> Iterator[Finding]:
    """Run every check; a failed one does not keep the others from running."""
    for (kind, name), check in checks.items():
        try:
            yield Finding(kind, name, True, check())
        except InputError as error:
            yield Finding(kind, name, False, str(error))
        except Exception as error:  # of a library or of ours: the table has all the other rows
            yield Finding(kind, name, False, f"could not be checked: {in_one_line(error)}")
