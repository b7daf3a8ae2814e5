"""What each result was made with: parameters, code and inputs, as Snakemake noted them.

Snakemake keeps this in `.snakemake/`, which a copy of results leaves behind. So the end of a run
writes it below the results as well, with the content of each file: an entry is true of that content
alone, whoever wrote to the path since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from multiprune.errors import InputError
from multiprune.files.hashes import CHECKSUM, sha256_file
from multiprune.files.json import canonical, parse_json, write_json

NAME = "logs/made_with.json"  # with what else tells of a run, and is no result
# Of Snakemake's record of a file, what its decision to make it again depends on.
KEPT = ("rule", "code", "params", "software_stack_hash", "record_format_version")
TOLERANCE = 1e-3  # seconds: Snakemake notes the time of a file as a float

Record = Mapping[str, object]  # of Snakemake's: KEPT, "input", "input_checksums", "endtime"


@dataclass(frozen=True)
class Made:
    """A file's record and content: a safetensors file's own checksum, of others the SHA-256."""

    record: Record
    content: str


def content_of(path: Path) -> str:
    """A word for what a file holds; large files are not read, their checksum is in their header."""
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="np") as file:
                return (file.metadata() or {}).get(CHECKSUM, "")
        except SafetensorError:
            return ""
    return sha256_file(path)


def note(results: Path, records: Mapping[str, Record]) -> None:
    """Write down the records of files that stand; those of other files of the folder are kept.

    A file that was changed since its job ended, by its time, is none that the record is of.
    """
    made = {path: entry for path, entry in read(results).items() if path.is_file()}
    for name, record in records.items():
        path, ended = Path(name), record.get("endtime") or 0.0
        if path.is_file() and abs(path.lstat().st_mtime - ended) < TOLERANCE:
            made[path] = Made(record, content_of(path))
    write_json(results / NAME, _packed(made))


def read(results: Path) -> dict[Path, Made]:
    """What is written down of an experiment's files; nothing where it is missing or broken."""
    try:
        content, _checksum = parse_json(results / NAME)
        return _unpacked(content)
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _packed(made: Mapping[Path, Made]) -> dict:
    """Inputs stand once, as do the jobs: at paper scale each is named thousands of times."""
    inputs: dict[tuple[str, str], int] = {}
    jobs: dict[str, dict] = {}
    for path, entry in sorted(made.items()):
        checksums = entry.record.get("input_checksums") or {}
        job = {key: entry.record.get(key) for key in KEPT} | {
            "input": [
                inputs.setdefault((name, checksums.get(name) or ""), len(inputs))
                for name in entry.record.get("input") or ()
            ]
        }
        jobs.setdefault(canonical(job), job | {"made": {}})["made"][str(path)] = entry.content
    return {"inputs": [list(pair) for pair in inputs], "jobs": list(jobs.values())}


def _unpacked(content: dict) -> dict[Path, Made]:
    found = {}
    for job in content["jobs"]:
        read_files = [content["inputs"][place] for place in job["input"]]
        record = {key: job[key] for key in KEPT} | {
            "input": [name for name, _checksum in read_files],
            "input_checksums": {name: checksum for name, checksum in read_files if checksum},
        }
        found |= {Path(path): Made(record, word) for path, word in job["made"].items()}
    return found


def must_be_read(results: Path) -> dict[Path, Made]:
    """As `read`; InputError where nothing is written down."""
    if not (made := read(results)):
        raise InputError(
            f"{results / NAME}: is missing, so that nothing tells with which code and config the "
            "results were made; copy the folder .snakemake with them, or compute them again"
        )
    return made
