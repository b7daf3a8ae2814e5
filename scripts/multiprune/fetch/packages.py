"""Files of a Python package: of the installed one, or of a wheel that pip downloads.

The package itself is never imported: only its files are looked at.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.wheels import unpack
from multiprune.files.writing import no_room, scratch_folder

# What pip prints when the index did not answer at all, as opposed to not knowing the package.
NO_NETWORK = ("NewConnectionError", "Connection broken", "Connection refused", "ConnectTimeout")
NO_NETWORK += ("Temporary failure in name resolution", "Name or service not known", "ProxyError")
NO_NETWORK += ("NameResolutionError", "Network is unreachable", "ReadTimeout", "MaxRetryError")


@contextmanager
def package_folder(
    package: str, version: str | None, wanted: Callable[[str], bool]
) -> Iterator[tuple[Path, str]]:
    """A folder with the files of a package, and the package's version.

    `version` None takes the installed version, else the newest. Of a downloaded wheel those
    members are unpacked whose names are `wanted`; they are gone when the block ends.
    """
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", package):
        raise InputError(f"package {package!r}: is not the name of a Python package")
    installed = _installed(package, version)
    if installed:
        yield installed
        return
    with scratch_folder() as temporary:
        wheel = download_wheel(package, version, temporary)
        found_version = wheel.name.split("-")[1]
        unpacked = temporary / "unpacked"
        unpack(wheel, unpacked, wanted, f"package {package} {found_version}")
        yield unpacked, found_version


def _installed(package: str, version: str | None) -> tuple[Path, str] | None:
    """Folder and version of the installed package; None if absent or of another version."""
    try:
        spec = importlib.util.find_spec(re.sub(r"[-.]", "_", package))
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
    if spec is None or not spec.submodule_search_locations or version not in (None, found):
        return None
    return Path(next(iter(spec.submodule_search_locations))), found


def wheel_exists(package: str, version: str) -> None:
    """InputError where pip would find no wheel of the package."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--only-binary"]
    command += [":all:", "--quiet", "--disable-pip-version-check", f"{package}=={version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InputError(f"package {package}=={version}: {_pip_failure(done.stderr)}")


def download_wheel(package: str, version: str | None, folder: Path) -> Path:
    """Let pip download the wheel of a package into `folder`; nothing is installed."""
    requirement = f"{package}=={version}" if version else package
    # Wheels only: a source distribution would run its own code while it is built.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["--retries", "1", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "No space left on device" in done.stderr:
        raise no_room()
    raise InputError(f"package {requirement}: {_pip_failure(done.stderr)}")


def _pip_failure(messages: str) -> str:
    if "No module named pip" in messages:
        return f"pip is missing in {sys.prefix}; install pip there, or install the package itself"
    if any(mark in messages for mark in NO_NETWORK):
        return (
            "the package index cannot be reached; fetch on a machine with network access, or, for "
            "a model, install its package first"
        )
    versions = re.search(r"\(from versions: (.*?)\)", messages)
    if versions and versions[1] != "none":
        return f"no such version; the package index has {versions[1]}"
    if versions or "No matching distribution" in messages:
        return "the package index knows no wheel of that name; check the spelling"
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    return f"pip could not download it: {lines[-1] if lines else 'no message'}"
