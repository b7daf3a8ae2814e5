"""What stands under results/: damaged files, files made from others than stand there, orphans.

Nothing is changed. A finding is a path and a line.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from multiprune.audit.sources import Sources, other_sources, other_texts
from multiprune.errors import InputError
from multiprune.fetch.tasks.described import described_files, parse_task
from multiprune.files.checksums import checksum_problem, origin_of
from multiprune.files.hashes import CHECKSUM, DIFFERS, sha256_file
from multiprune.files.json import parse_json
from multiprune.files.manifests import MANIFEST, file_differences, parse_manifest
from multiprune.files.tensors import _checksum

TASK = "task.json"
CACHED = r"[^/]+/cache/[0-9a-f]{32}\.json$"
# By the path below an experiment's folder. What lies in the folder itself is a user's or a report.
UNSIGNED = re.compile(r"(logs|benchmarks|slurm|tasks)/|[^/]+/seed\d+/export/|[^/]+$")
# Made by no job of the config, or kept on purpose: what a search for orphans passes over.
KEPT = re.compile(
    rf"(logs|benchmarks|slurm|tables/incomplete)/|[^/]+/seed\d+/export/|[^/]+$|{CACHED}"
)
SIDECAR = re.compile(r"\.(.+)\.origin\.json")
UNFINISHED = re.compile(r"\.corrupt$|\.safetensors\.progress/")


@dataclass(frozen=True)
class Finding:
    """A file and what is wrong with it; `orphan` files are only no longer asked for."""

    path: Path
    problem: str
    orphan: bool = False


def audit(results: Path, resources: Path, made: Sources) -> list[Finding]:
    """Everything that is wrong in an experiment's results and in the downloads.

    made: every file that a job of the config makes, finished or not, and what its job read.
    Damaged files come first: what was made from them is not named as well.
    """
    check_folder(results, made)
    return [*problems(results, resources, made), *orphans(results, made), *lone_sidecars(results)]


def problems(results: Path, resources: Path, made: Sources) -> list[Finding]:
    """Files that are damaged, or made from others than stand there; `made` as in `audit`."""
    found = [
        *damaged_folders(resources),
        *damaged_folders(results),
        *damaged_tasks(resources / "tasks"),
        *damaged_tasks(results / "tasks"),
        *damaged(results, made),
    ]
    harmed = {finding.path.resolve() for finding in found}  # whichever link a job read it by
    found += [
        Finding(path, f"was made from another {source}")
        for path, source in (*other_sources(results, made, harmed), *other_texts(made))
    ]
    return found


def check_folder(results: Path, made: Iterable[Path]) -> None:
    """InputError where the folder is not that of the config's experiment: all would be orphans."""
    folder = Path(os.path.abspath(results))
    folders = {parent for path in made for parent in path.absolute().parents}
    if folder not in folders:
        raise InputError(f"{results}: the config makes nothing in it; give its --configfile")
    if folder / "tables" not in folders:
        raise InputError(f"{results}: is not the folder of an experiment, which holds tables/")


def damaged(results: Path, made: Mapping[Path, object]) -> Iterator[Finding]:
    """Files that are not what was written, by the checksums that they, or files beside, record."""
    expected = {path.absolute() for path in made}
    for path in files_below(results):
        relative = path.relative_to(results).as_posix()
        if UNSIGNED.match(relative):
            continue
        signed = path.absolute() in expected or re.match(CACHED, relative) is not None
        if problem := problem_of(path, signed):
            yield Finding(path, problem)


def problem_of(path: Path, signed: bool) -> str | None:
    """What is wrong with a file; where `signed`, that nothing tells it either."""
    if path.suffix in (".json", ".safetensors"):
        return file_problem(path, signed)
    try:
        if problem := checksum_problem(path):
            return problem
    except OSError as error:
        return f"cannot be read ({error})"
    beside = origin_of(path)
    return f"has no {beside.name} beside it" if signed and not beside.exists() else None


def damaged_folders(root: Path) -> Iterator[Finding]:
    """Files of downloads and exports that are not what their manifest says."""
    for manifest_path in visible(root, MANIFEST):
        try:
            manifest = parse_manifest(manifest_path)
            differences = list(file_differences(manifest_path.parent, manifest))
        except (ValueError, OSError) as error:
            yield Finding(manifest_path, str(error))
            continue
        for name, problem in differences:
            yield Finding(manifest_path.parent / name, problem)


def damaged_tasks(root: Path) -> Iterator[Finding]:
    """Files of prepared tasks that are not what their `task.json` says."""
    for path in visible(root, TASK):
        if problem := file_problem(path, signed=True):
            yield Finding(path, problem)
            continue
        try:
            files = described_files(parse_task(path))
        except ValueError as error:
            yield Finding(path, str(error))
            continue
        for name, sha256 in files.items():
            described = path.parent / name
            if not described.is_file():
                yield Finding(described, "is missing")
            elif sha256_file(described) != sha256:
                yield Finding(described, f"has another SHA-256 than its {TASK} says")


def orphans(results: Path, expected: Iterable[Path]) -> Iterator[Finding]:
    """Files below an experiment's folder that no job of its config makes."""
    known = {path.absolute() for path in expected}
    for path in files_below(results):
        kept = KEPT.match(path.relative_to(results).as_posix())
        if not kept and path.absolute() not in known:
            yield Finding(path, "no job of this config makes it", orphan=True)


def lone_sidecars(results: Path) -> Iterator[Finding]:
    """Origins whose file is gone."""
    for path in sidecars_below(results):
        name = SIDECAR.fullmatch(path.name)[1]
        if not path.with_name(name).exists():
            yield Finding(path, f"{name}, which it belongs to, is gone", orphan=True)


def sidecars_below(results: Path) -> list[Path]:
    """Origins that stand beside files, sorted; those of exports do not count."""
    return sorted(
        path
        for path in results.rglob(".*")
        if SIDECAR.fullmatch(path.name)
        and not UNSIGNED.match(path.relative_to(results).as_posix())
        and path.is_file()
    )


def files_below(folder: Path) -> list[Path]:
    """Files that are not hidden, nor set aside, nor half of a running job's, sorted."""
    return [
        path
        for path in visible(folder, "*")
        if not UNFINISHED.search(path.relative_to(folder).as_posix())
    ]


def visible(folder: Path, pattern: str) -> list[Path]:
    """Files below a folder that match and are not hidden, sorted."""
    return sorted(
        path
        for path in folder.rglob(pattern)
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def file_problem(path: Path, signed: bool = False) -> str | None:
    """What is wrong with a JSON or safetensors file, which stays where it is; None if nothing.

    signed: a file without a checksum is wrong as well.
    """
    try:
        if path.suffix == ".json":
            _content, recorded = parse_json(path)
        else:
            with safe_open(path, framework="np") as file:
                recorded = (file.metadata() or {}).get(CHECKSUM)
            if recorded is not None and _checksum(path, recorded) != recorded:
                return DIFFERS
    except ValueError as error:
        return str(error)
    except (SafetensorError, OSError) as error:
        return f"cannot be read ({error})"
    return "records no SHA-256 of itself" if signed and recorded is None else None
