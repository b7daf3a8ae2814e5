"""Setting broken files aside as `*.corrupt`, so that the same command makes them again.

A job of a run leaves a broken file in its place, under both names, until the run ends: Snakemake
gives up all jobs where a file that one of them reads is gone.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from multiprune.errors import InputError

CORRUPT = ".corrupt"
RUN = "MULTIPRUNE_RUN"  # in the environment of a run and its jobs: the run's process


def set_aside(path: Path | str, reason: str) -> NoReturn:
    """Keep a broken file as `*.corrupt` and raise InputError: the same command rebuilds it."""
    _set_aside([Path(path)], Path(path), reason)


def set_both_aside(manifest_path: Path, path: Path, reason: str) -> NoReturn:
    """The same with a file, if there is one, and what describes it: both are rebuilt."""
    there = path.is_symlink() or path.exists()
    _set_aside([path, manifest_path] if there else [manifest_path], path, reason)


def remove_set_aside(folders: Iterable[Path]) -> None:
    """Remove, at the end of a run, the broken files that its jobs left in their places."""
    for folder in folders:
        for aside in folder.rglob(f"*{CORRUPT}"):
            path = aside.with_name(aside.name.removesuffix(CORRUPT))
            if _are_one(path, aside):
                with suppress(PermissionError):  # in a folder of another user
                    path.unlink()


def _set_aside(broken: list[Path], path: Path, reason: str) -> NoReturn:
    try:
        for file in broken:
            _rename(file, file.with_name(file.name + CORRUPT))
    except OSError as error:
        cause = error.strerror or error
        raise InputError(f"{path}: {reason}; it cannot be renamed ({cause}), remove it") from None
    names = " and ".join(f"{file.name}{CORRUPT}" for file in broken)
    raise InputError(f"{path}: {reason}; set aside as {names}, run the same command again")


def _rename(file: Path, aside: Path) -> None:
    if os.environ.get(RUN, str(os.getpid())) == str(os.getpid()):  # no job of a run
        os.replace(file, aside)
        return
    second = aside.with_name(f".{aside.name}.{os.getpid()}.tmp")
    try:
        os.link(file, second, follow_symlinks=False)
        os.replace(second, aside)
    except OSError:  # where a file cannot have two names
        os.replace(file, aside)
    finally:
        second.unlink(missing_ok=True)  # still there where another job set the same file aside


def _are_one(path: Path, aside: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.lstat(), aside.lstat())
    return False
