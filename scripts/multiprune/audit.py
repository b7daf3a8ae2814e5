"""What stands under results/: damaged files, files made from others than stand there, orphans.

Nothing is changed. `problems` of one kind after the other, each a path and a line.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from multiprune.artefacts import (
    file_problem,
    opened_tensors,
    read_json,
    read_metadata,
    sha256_file,
)
from multiprune.errors import InputError
from multiprune.manifests import MANIFEST, file_differences, read_manifest
from multiprune.pruned_weights import pruning_hash
from multiprune.table_files import table_problem

CHECKS: dict[str, Callable[[Path], str | None]] = {
    ".safetensors": file_problem,
    ".json": file_problem,
    ".csv": table_problem,
}
# Not made by a job of the config, or kept on purpose: what a search for orphans passes over.
KEPT = ("logs", "benchmarks", "cache", "export", "slurm")


@dataclass(frozen=True)
class Finding:
    """A file and what is wrong with it; `orphan` files are only no longer asked for."""

    path: Path
    problem: str
    orphan: bool = False


def damaged(folder: Path) -> Iterator[Finding]:
    """Files below a folder that are not what was written, by the checksums that they record."""
    for path in files_below(folder):
        check = CHECKS.get(path.suffix)
        if check and (problem := check(path)):
            yield Finding(path, problem)


def damaged_downloads(resources: Path) -> Iterator[Finding]:
    """Downloaded files that are not what their manifest says."""
    for manifest_path in sorted(resources.rglob(MANIFEST)):
        manifest = read_manifest(manifest_path)
        for name, problem in file_differences(manifest_path.parent, manifest):
            yield Finding(manifest_path.parent / name, problem)


def made_from_others(run: Path) -> Iterator[Finding]:
    """Artefacts of one model and seed whose recorded inputs are not the files that stand there."""
    for path in sorted(run.glob("statistics/*.safetensors")):
        windows = run / "calibration" / path.name
        if windows.is_file() and metadata_of(path).get("windows") != sha256_file(windows):
            yield Finding(path, f"was made from another {windows.relative_to(run)}")
    for path in sorted([*run.glob("masks/*/*.safetensors"), *run.glob("weights/*/*.safetensors")]):
        for source, recorded in sources_of_mask(run, path):
            if source.is_file() and recorded != sha256_file(source):
                yield Finding(path, f"was made from another {source.relative_to(run)}")
    for path in sorted(run.glob("perplexity/*/*/*.json")):
        method, sparsity = path.parts[-3:-1]
        for kind in ("masks", "weights"):
            mask = run / kind / method / f"{sparsity}.safetensors"
            if mask.is_file() and read_json(path)["provenance"]["mask"] != pruning_hash(mask):
                yield Finding(path, f"was measured with another {mask.relative_to(run)}")


def metadata_of(path: Path) -> dict[str, str]:
    """Metadata of a safetensors file."""
    with opened_tensors(path) as file:
        return read_metadata(file)


def sources_of_mask(run: Path, path: Path) -> Iterator[tuple[Path, str]]:
    """Files that a mask was made from, and their recorded hashes; models are checked by jobs."""
    folders = {"statistics": "statistics", "windows": "calibration"}
    for name, recorded in json.loads(metadata_of(path).get("inputs", "{}")).items():
        folder, _, file = name.rpartition("/")
        if file.endswith(".safetensors"):
            yield run / folders.get(folder, "statistics") / file, recorded


def orphans(folder: Path, expected: Iterable[Path]) -> Iterator[Finding]:
    """Files below an experiment's folder that no job of its config makes."""
    known = {path.absolute() for path in expected}
    for path in files_below(folder):
        relative = path.relative_to(folder)
        kept = any(part in KEPT for part in relative.parts) or len(relative.parts) == 1
        if not kept and path.absolute() not in known:
            yield Finding(path, "no job of this config makes it", orphan=True)


def files_below(folder: Path) -> list[Path]:
    """Files that are not hidden, nor set aside, nor half of a running job's, sorted."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.suffix != ".corrupt"
        and ".progress" not in str(path.relative_to(folder))
    )


def audit(results: Path, resources: Path, expected: Iterable[Path]) -> list[Finding]:
    """Everything that is wrong in an experiment's results and in the downloads.

    Damaged files first: what they were made into is only compared where they are whole.
    """
    found = [*damaged_downloads(resources), *damaged(results)]
    if not found:
        for run in sorted(results.glob("*/seed*")):
            try:
                found += made_from_others(run)
            except InputError as error:
                found.append(Finding(run, str(error)))
    return [*found, *orphans(results, expected)]
