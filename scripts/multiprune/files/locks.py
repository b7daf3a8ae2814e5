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
        with suppress(FileNotFoundError, PermissionError):  # another user's, where theirs alone go
            path.unlink()
        os.close(file)


def _acquired(path: Path) -> int | None:
    """The locked file; None where its former holder has removed it, and a new one counts."""
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{path}: is held by another run; waiting for it", file=sys.stderr, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(file), os.stat(path)):
            return file
    os.close(file)
    return None


def _opened(path: Path) -> int:
    """A descriptor of the file, which is made where it is missing.

    Writable, since some network file systems lock no other; another user's is opened to be read.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        if not path.exists():
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
