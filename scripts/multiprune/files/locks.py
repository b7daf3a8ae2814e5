"""Locks between processes that share a folder of downloads, also of several clones or machines.

A lock is an empty file that its holder keeps locked: it is free as soon as that process ends,
however it ends. The file goes when the lock is released in order; one that is left says nothing.
"""

import fcntl
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PAUSE = 0.2  # seconds between two looks at what another run does


class FileLock:
    """An exclusive lock at a path, whose folder is made where it is missing."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._file: BinaryIO | None = None

    def acquire(self, wait: bool = True) -> bool:
        """Whether the lock is held now; with `wait` not before it is."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = open(self.path, "ab")  # noqa: SIM115, it stays open as long as the lock is held
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                file.close()
                return False
            # The former holder may have removed the file that was waited for.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), os.stat(self.path)):
                    self._file = file
                    return True
            file.close()

    def release(self) -> None:
        """Remove the file, then the lock on it."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            self._file.close()
            self._file = None


@contextmanager
def locked(path: Path | str) -> Iterator[None]:
    """Hold the lock at a path; waits for it."""
    lock = FileLock(path)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


class FetchTurns:
    """Downloads that are this run's turn; others wait until they are there or this run ends."""

    def __init__(self) -> None:
        self._held: dict[Path, FileLock] = {}  # by folder

    def take(self, files: Iterable[Path | str]) -> list[Path]:
        """Take the turn for the folder of each missing file; waits while another run has it.

        Returns the files that another run has fetched: they must not be fetched again. Two runs
        cannot wait for each other, since both take their turns in the order of the names.
        """
        return [path for path in sorted(map(Path, files)) if not self._take(path)]

    def _take(self, path: Path) -> bool:
        folder = path.parent
        if folder in self._held:
            return not path.exists()
        # Beside the folder, which is replaced as a whole.
        lock = FileLock(folder.with_name(f".{folder.name}.turn"))
        waiting = False
        while not path.exists():
            if lock.acquire(wait=False):
                if path.exists():
                    break
                self._held[folder] = lock
                return True
            if not waiting:
                print(f"{path}: another run is fetching it; waiting for it", file=sys.stderr)
                waiting = True
            time.sleep(PAUSE)
        lock.release()
        return False

    def end(self) -> None:
        """Release all turns."""
        while self._held:
            self._held.popitem()[1].release()
