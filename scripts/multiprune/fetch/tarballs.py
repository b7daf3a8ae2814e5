"""The tarballs of packages: archives that somebody else has made, or that arrived damaged."""

import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from multiprune.errors import InputError, in_one_line

MOST_BYTES = 2**30  # unpacked; the packages that are read have some 15 to 100 MB
MOST_PADDING = 2**24  # after the last file; writers put some 10 kB there
HEADER = 512  # bytes that each member has beside its content

# What tarfile and the decompressors let through where an archive is damaged or made up.
DAMAGED = (
    *(tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(ValueError, TypeError, LookupError, OverflowError, RecursionError, MemoryError),
)


def read_tarball(
    archive: Path | str, wanted: Callable[[str], bool], what: str, source: str
) -> dict[str, bytes | None]:
    """Every file in a tarball by its name, with the content of those that are wanted, else None.

    Links, folders and devices are left out. `what` says which tarball is expected, and `source`
    where it comes from, for the InputError of one that is missing, damaged or too large.
    """
    with refusing_damage(archive, what, source), tarfile.open(archive) as package:
        return read_members(package, wanted)


@contextmanager
def refusing_damage(archive: Path | str, what: str, source: str) -> Iterator[None]:
    """InputError for an archive that the block finds missing or damaged."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{archive}: no such file; {source}") from None
    except DAMAGED as error:
        raise InputError(
            f"{archive}: is not {what} ({in_one_line(error)}); remove it and download it again"
        ) from None


def read_members(
    package: tarfile.TarFile, wanted: Callable[[str], bool]
) -> dict[str, bytes | None]:
    """Every file as `read_tarball` gives it; TarError for what no package may hold."""
    files: dict[str, bytes | None] = {}
    for member in _within_bounds(package):
        kept = wanted(member.name)
        if kept and member.name in files:
            raise tarfile.TarError(f"it holds {member.name!r} twice")
        files[member.name] = package.extractfile(member).read() if kept else None
    _read_to_end(package)
    return files


def _within_bounds(package: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The files, as long as all members have no more bytes than such a package may."""
    total = 0
    for member in package:
        if member.size < 0 or member.issparse():
            raise tarfile.TarError(f"{member.name!r} is a sparse file or of negative size")
        total += HEADER + member.size
        if total > MOST_BYTES:
            raise tarfile.TarError(f"it unpacks to more than {MOST_BYTES:,} bytes")
        if member.isfile():
            yield member


def _read_to_end(package: tarfile.TarFile) -> None:
    """Let the decompressor compare its checksum, which stands behind all that tarfile reads."""
    left = MOST_PADDING
    while part := package.fileobj.read(2**20):
        left -= len(part)
        if left < 0:
            raise tarfile.TarError(f"more than {MOST_PADDING:,} bytes follow its last file")
