"""A folder that appears as a whole, by rename, or not at all; one process at a time makes it."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from multiprune.files.locks import locked

IN_PROGRESS = ".in-progress"  # subfolder for what is no part of a folder yet


def leads_below(name: object) -> bool:
    """Whether a name that a file states, joined to a folder, is a path below that folder."""
    if not isinstance(name, str) or set(name) & {"\0", "\\"}:
        return False
    return not {"", ".", ".."} & set(name.split("/"))  # an absolute path begins with an empty part


def folder_lock(folder: Path) -> AbstractContextManager[None]:
    """Keeps out all that make the folder, in this clone or in one that shares it; waits."""
    return locked(folder.with_name(f".{folder.name}.lock"))


@contextmanager
def replacing_folder(folder: Path, resumable: bool = False) -> Iterator[Path]:
    """A folder to fill, `.NAME.partial`, that takes the place of `folder` when the block ends well.

    It is empty, and removed after a failure. A `resumable` one stays after a failure or a kill and
    is handed out again as it is: the block must find out what it still wants of it. Its subfolder
    IN_PROGRESS goes at the end.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    previous = folder.with_name(f".{folder.name}.previous")
    for leftover in (previous,) if resumable else (previous, partial):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        shutil.rmtree(partial / IN_PROGRESS, ignore_errors=True)
        if folder.exists():
            folder.rename(previous)
        partial.rename(folder)
    finally:
        if partial.exists() and not (resumable and any(partial.iterdir())):
            shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(previous, ignore_errors=True)
