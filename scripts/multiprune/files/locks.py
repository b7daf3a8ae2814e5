"""Locks between processes that share a folder of downloads, also of several clones or machines.

A lock is an empty file that its holder keeps locked: it is free as soon as that process ends,
however it ends. The file goes when the lock is released in order; one that is left says nothing.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def locked(path: Path | str) -> Iterator[None]:
    """Hold the lock at a path, whose folder is made where it is missing; waits for it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    while (file := _acquired(path)) is None:
        pass
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def _acquired(path: Path) -> BinaryIO | None:
    """The locked file; None where its former holder has removed it, and a new one counts."""
    file = open(path, "ab")  # noqa: SIM115, it stays open as long as the lock is held
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{path}: is held by another run; waiting for it", file=sys.stderr, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return file
    file.close()
    return None
