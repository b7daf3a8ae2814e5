"""Atomic writing, links, and room for what is not kept."""

import errno
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

MOST_LOOKED_AT = 5000  # files of a folder, for leftovers; the evaluation cache may have far more


@contextmanager
def replacing(target: Path | str) -> Iterator[Path]:
    """A temporary path beside `target` that takes its place when the block ends without error.

    What a killed process of this machine left of the same file goes.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    own = f".{target.name}.{platform.node()}."
    _remove_leftovers(target.parent, own)
    temporary = target.with_name(f"{own}{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        error.filename = error.filename or str(target)  # a write to a full disk does not say where
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _remove_leftovers(folder: Path, start: str) -> None:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, MOST_LOOKED_AT)]
    for name in names:
        pid = name.removeprefix(start).removesuffix(".tmp")
        if name == f"{start}{pid}.tmp" and pid.isdecimal() and not is_running(int(pid)):
            (folder / name).unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Whether a process of this machine has not ended."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # there is none, or can be none, of this number
        return False
    except OSError:  # another user's
        return True
    return True


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder, below TMPDIR, that the error names where there is no room in it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield Path(folder)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                error.filename = error.filename or folder
            raise


def no_room() -> OSError:
    """The error of a program that found no room in the folder it was given."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def link(target: Path, place: Path) -> None:
    """Make `place` a symbolic link to `target`, a relative one that moves with both."""
    with replacing(place) as temporary:
        temporary.symlink_to(os.path.relpath(target, place.parent))


def link_target(path: Path | str) -> Path:
    """The path that a link of `link` leads to; any other path as it is."""
    path = Path(path)
    if not path.is_symlink():
        return path
    return Path(os.path.normpath(path.parent / path.readlink()))
