"""What a job was planned as, and whether an attempt at it was left unfinished.

Snakemake records the parameters and the code of a job that failed as if it had made its outputs,
which it removes: the next call would find nothing changed, and nothing to be done over tables that
were made before the change. So the number of unfinished attempts at a job is one of its parameters.
It is counted in a file for each job whose attempt did not end well: up when the script starts, back
when it has ended. Whatever ends a script before, the next call sees another parameter.

A job is planned as `DIGEST/NUMBER/KEY`: of its code, of unfinished attempts, and of its output.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multiprune.digest import code_digest
from multiprune.errors import InputError

FOLDER = Path(".snakemake/attempts")  # beside what Snakemake itself remembers of jobs


def plan(digest: str, output: str, unfinished: dict[str, int]) -> str:
    """The plan of a job with its first output, for the command line of its script."""
    key = hashlib.sha256(output.encode()).hexdigest()[:16]
    return f"{digest}/{unfinished.get(key, 0)}/{key}"


def unfinished_attempts(folder: Path = FOLDER) -> dict[str, int]:
    """Number of unfinished attempts by key; a file that cannot be read counts as one."""
    found = {}
    for path in folder.glob("*"):
        text = path.read_text(encoding="utf-8", errors="replace")
        found[path.name] = int(text) if text.isdecimal() else 1
    return found


@contextmanager
def attempt(planned: str, script: Path | str, folder: Path = FOLDER) -> Iterator[None]:
    """Run a job in the block; counted as unfinished until the block ends without an error.

    Raises InputError where the code is no longer what the run was planned with: its output would
    be recorded as that of other code.
    """
    digest, number, key = planned.split("/")
    note = folder / key
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(str(int(number) + 1), encoding="utf-8")
    if code_digest(script) != digest:
        raise InputError(
            f"{script}: was edited after this run had been planned; run the same command again"
        )
    yield
    if int(number):
        note.write_text(number, encoding="utf-8")
    else:
        note.unlink(missing_ok=True)
