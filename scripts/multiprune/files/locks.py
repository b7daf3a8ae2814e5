"""Locks between processes that share a folder of downloads, also of several clones or machines.

A lock is an empty file that its holder keeps locked: it is free as soon as that process ends,
however it ends. The file goes when the lock is released in order; one that is left says nothing.

Some network file systems refuse that, such as Lustre mounted without `flock`. There a second file,
which only one process can make, says who holds the lock, and is taken over when its maker is gone.
"""

import errno
import fcntl
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.writing import is_running

REFUSED = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})
PAUSE = 0.2  # seconds between looks at a file that another process holds


@contextmanager
def locked(path: Path | str) -> Iterator[None]:
    """Hold the lock at a path, whose folder is made where it is missing; waits for it.

    Raises InputError where the file system has no way to lock.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if (file := _flocked(path)) is None:
        with _owned(path.with_name(f"{path.name}.owner")):
            yield
        return
    try:
        yield
    finally:
        with suppress(FileNotFoundError, PermissionError):  # another user's, where theirs alone go
            path.unlink()
        os.close(file)


def _flocked(path: Path) -> int | None:
    """The locked file; None where the file system refuses to lock files."""
    while True:
        file = _opened(path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{path}: is held by another run; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            os.close(file)
            if error.errno not in REFUSED:
                raise
            path.unlink(missing_ok=True)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), os.stat(path)):
                return file
        os.close(file)  # its former holder has removed it, and a new one counts


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


@contextmanager
def _owned(path: Path) -> Iterator[None]:
    """Hold a lock by being the one who made the file `path`, which says host and process."""
    told = ""
    while not _made(path):
        if (owner := _owner(path)) is None:
            continue
        if _is_gone(owner):
            with _owned(path.with_name(f"{path.name}.taking")):  # of those who wait, one removes it
                if _owner(path) == owner:
                    path.unlink()
            continue
        if told != owner:
            told = owner
            print(
                f"{path}: is held by another run; waiting for it ({owner or 'unknown'}; remove the "
                "file if that has ended)",
                file=sys.stderr,
                flush=True,
            )
        time.sleep(PAUSE)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _made(path: Path) -> bool:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        return False
    except OSError as error:
        raise InputError(
            f"{path}: no lock can be had here ({error.strerror or error}); is the folder on a file "
            "system that can be written to?"
        ) from None
    with open(file, "w", encoding="utf-8") as opened:
        opened.write(f"process {os.getpid()} on {platform.node()}")
    return True


def _owner(path: Path) -> str | None:
    """What a lock's file says; None where there is none any more."""
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    return None


def _is_gone(owner: str) -> bool:
    """Whether a process of this machine has ended; of another machine nobody knows."""
    said = re.fullmatch(r"process (\d+) on (.*)", owner)
    return said is not None and said[2] == platform.node() and not is_running(int(said[1]))
