"""What a finished experiment holds: numbers of tables, hashes of all other files."""

import csv
import hashlib
from pathlib import Path

from workflow.running import HALF_WRITTEN

from multiprune.files.hashes import sha256_file

MEASURED = ("time ratio", "memory ratio")  # rows of claims.csv that differ from run to run
COMPARED = {".safetensors", ".json", ".jsonl", ".csv"}
# Folders that record how a run went, and what is kept under the hash of all it depends on.
RECORDS = {"logs", "benchmarks", "cache"}


def contents(folder: Path) -> dict[str, str]:
    """Hash of every result and download by its path; of a table, that of its numbers."""
    found = {}
    for below in ("results", "resources"):
        for path in sorted((folder / below).rglob("*")):
            relative = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in relative.parts)
            if path.suffix in COMPARED and not hidden and not RECORDS & set(relative.parts):
                digest = numeric_hash if path.suffix == ".csv" else sha256_file
                found[relative.as_posix()] = digest(path)
    return found


def numeric_hash(path: Path) -> str:
    """Hash of a table's cells, numbers by their value, without rows that hold measured costs."""
    digest = hashlib.sha256()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if not any(name in cell for name in MEASURED for cell in row):
                digest.update(repr([value_of(cell) for cell in row]).encode())
    return digest.hexdigest()


def value_of(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def half_written(folder: Path) -> list[str]:
    """What a job that did not end leaves behind, and results that are empty."""
    found = {
        path
        for below in ("results", "resources")
        for pattern in HALF_WRITTEN
        for path in (folder / below).rglob(pattern)
    }
    return sorted(str(path.relative_to(folder)) for path in found)


def set_aside(folder: Path) -> set[str]:
    """Paths of the files that were renamed to `*.corrupt`, without that ending."""
    return {
        path.relative_to(folder).as_posix().removesuffix(".corrupt")
        for below in ("results", "resources")
        for path in (folder / below).rglob("*.corrupt")
    }


def differences(
    expected: dict[str, str], found: dict[str, str], complete: bool, tables: list[str]
) -> list[str]:
    """What is not as in an undisturbed run, one line each; `complete` wants every file to stand."""
    lines = [f"{path} is missing" for path in tables if path not in found]
    for path in sorted(expected.keys() | found.keys()):
        if path not in expected:
            lines.append(f"{path} is made by no undisturbed run")
        elif path not in found:
            if complete and path not in tables:
                lines.append(f"{path} is missing")
        elif expected[path] != found[path]:
            lines.append(f"{path} differs from an undisturbed run")
    return lines
