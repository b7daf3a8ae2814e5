"""Files out of a wheel: a zip that somebody else has made, or that arrived damaged."""

import errno
import lzma
import shutil
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from multiprune.errors import InputError, in_one_line
from multiprune.files.folders import leads_below

# What zipfile lets through where a zip is damaged, encrypted or packed in a way it does not know.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(RuntimeError, NotImplementedError, ValueError, IndexError, OverflowError),
)


def unpack(wheel: Path, folder: Path, wanted: Callable[[str], bool], source: str) -> None:
    """Unpack the members whose names are `wanted`; `source` names the package in messages.

    InputError for a wheel that is damaged, has two such members of one name, or one that leads
    elsewhere, or unpacks to more than there is room for. A disk that fills up is an OSError.
    """
    folder.mkdir()
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [file for file in archive.infolist() if wanted(file.filename)]
            _check(members, folder)
            archive.extractall(folder, members)
    except InputError as error:
        raise InputError(f"{source}: {wheel.name} {error}") from None
    except DAMAGED as error:
        raise InputError(_refusal(wheel, source, error)) from None
    except OSError as error:  # such as a file where a member needs a folder
        if error.errno == errno.ENOSPC:
            raise
        raise InputError(_refusal(wheel, source, error)) from None


def _check(members: list[zipfile.ZipInfo], folder: Path) -> None:
    """Look at names and sizes before anything is written; no member has more than it states."""
    names = Counter(member.filename for member in members)
    if twice := next((name for name, times in names.items() if times > 1), None):
        raise InputError(f"holds {twice!r} twice; take another package")
    if elsewhere := next((name for name in names if not leads_below(name)), None):
        raise InputError(f"holds {elsewhere!r}, which leads out of its folder; take another")
    needed, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"unpacks to {needed:,} bytes, {free:,} are free in {folder.parent}; set TMPDIR to a "
            "folder with more room"
        )


def _refusal(wheel: Path, source: str, error: Exception) -> str:
    return f"{source}: {wheel.name} cannot be unpacked ({in_one_line(error)}); fetch it once more"
