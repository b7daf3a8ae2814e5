"""Packages of Debian: downloaded by apt or from a pinned address, and read without dpkg.

A .deb is an `ar` archive: a magic line, then members of a header of 60 bytes and their content,
each padded to an even size. Its files are in the member `data.tar.xz` (or .gz, .bz2). Nothing is
installed, and no script of a package is run.
"""

import http.client
import io
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from multiprune.errors import InputError, in_one_line
from multiprune.fetch.tarballs import MOST_BYTES, read_members, refusing_damage
from multiprune.files.writing import no_room

MAGIC = b"!<arch>\n"
HEADER = 60  # bytes; the name is in the first 16, the size in 48 to 58, a mark in the last two
MARK = b"`\n"
CHUNK = 1 << 20  # bytes
SECONDS = 60  # without an answer, before a download is given up
NO_NETWORK = ("Could not resolve", "Temporary failure", "Could not connect", "Unable to connect")
NO_NETWORK += ("Network is unreachable", "Connection refused", "Connection timed out")


def read_deb(archive: Path, wanted: Callable[[str], bool]) -> dict[str, bytes | None]:
    """Every file by its name (`usr/share/...`), with the content of those wanted, else None.

    InputError for an archive that is missing, damaged, too large, or packed by zstd.
    """
    with refusing_damage(archive, "a Debian package", "fetch it with download_archive.py"):
        data = _data_member(archive)
        with tarfile.open(fileobj=io.BytesIO(data)) as package:
            files = read_members(package, lambda name: wanted(name.removeprefix("./")))
    return {name.removeprefix("./"): content for name, content in files.items()}


def _data_member(archive: Path) -> bytes:
    names = []
    with open(archive, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise tarfile.TarError("it does not begin as one")
        while header := file.read(HEADER):
            if len(header) < HEADER or header[-2:] != MARK:
                raise tarfile.TarError("a header of a member is damaged")
            name, size = header[:16].decode().strip().removesuffix("/"), int(header[48:58])
            if not 0 <= size <= MOST_BYTES:
                raise tarfile.TarError(f"{name} has {size:,} bytes")
            if name == "data.tar.zst" and sys.version_info < (3, 14):
                raise InputError(
                    f"{archive}: is packed by zstd, which this Python does not read; name a "
                    "package of Debian by address and sha256, which is packed by xz"
                )
            if name.startswith("data.tar"):
                if len(content := file.read(size)) < size:
                    raise EOFError(f"{name} is cut off")
                return content
            names.append(name)
            file.seek(size + size % 2, os.SEEK_CUR)
    raise tarfile.TarError(f"it has no data.tar, but {', '.join(names) or 'nothing'}")


def download_deb(package: str, version: str | None, address: str | None, folder: Path) -> Path:
    """The .deb in `folder`: from apt where it has the package, else from `address`.

    `version` None takes the one that apt would install. InputError where neither gives it.
    """
    try:
        _apt(["download"], package, version, folder)
        return next(folder.glob("*.deb"))
    except InputError:
        if address is None:
            raise
    return _from_address(package, address, folder / "package.deb")


def deb_exists(package: str, version: str | None, address: str | None, folder: Path) -> None:
    """InputError where apt has no such package and there is no address of it either."""
    try:
        _apt(["download", "--print-uris"], package, version, folder)
    except InputError:
        if address is None:
            raise


def _apt(command: list[str], package: str, version: str | None, folder: Path) -> None:
    requirement = f"{package}={version}" if version else package
    if (apt := shutil.which("apt-get")) is None:
        raise InputError(
            f"Debian package {requirement}: apt-get is not on this machine; give the package's "
            "`address` and `sha256` in the corpus"
        )
    options = ["-q", "-o", "Acquire::Retries=1", "-o", f"Acquire::http::Timeout={SECONDS}"]
    done = subprocess.run(
        [apt, *options, *command, requirement],
        cwd=folder,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "No space left on device" in done.stderr:
        raise no_room()
    if done.returncode != 0:
        raise InputError(f"Debian package {requirement}: {_apt_failure(done.stderr)}")


def _apt_failure(messages: str) -> str:
    if any(mark in messages for mark in NO_NETWORK):
        return "the archive cannot be reached; fetch on a machine with network access"
    if "Unable to locate" in messages or "No packages found" in messages:
        return "apt knows no such package; check the spelling, or run `apt-get update`"
    if "was not found" in messages:
        return "apt has another version; leave `version` out, or pin `address` and `sha256`"
    lines = [line.strip() for line in messages.splitlines() if line.startswith("E: ")]
    return f"apt-get failed: {lines[0] if lines else 'no message'}"


def _from_address(package: str, address: str, place: Path) -> Path:
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer, open(place, "wb") as file:
            while part := answer.read(CHUNK):
                file.write(part)
                if file.tell() > MOST_BYTES:
                    raise InputError(
                        f"Debian package {package}: {address} gives more than "
                        f"{MOST_BYTES / 1e9:g} GB; check the address"
                    )
    except urllib.error.HTTPError as error:
        raise InputError(f"Debian package {package}: {address} answers {error.code}") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ValueError) as error:
        reason = in_one_line(getattr(error, "reason", error))
        raise InputError(
            f"Debian package {package}: {address} cannot be reached ({reason}); fetch on a machine "
            "with network access"
        ) from None
    return place
