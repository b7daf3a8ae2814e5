"""Write the conda environment of each stage: what it imports, and all that this brings, pinned."""

import argparse
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from multiprune.errors import InputError
from multiprune.files.writing import replacing
from multiprune.jobs.command import run

HEAD = """\
# Written by `make envs` from packages.toml and requirements-lock.txt.
channels: [conda-forge, nodefaults]
dependencies:
  - python=3.11
  - pip
  - pip:
"""
# What the files are for, wherever they are written. torch for a GPU pins NVIDIA's packages itself.
MACHINE = {
    **default_environment(),
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def environments(packages: str, lock: str) -> dict[str, str]:
    """The content of each stage's file; InputError for a package that is not locked or not here.

    `packages` and `lock` are the texts of packages.toml and requirements-lock.txt. What a package
    brings is read from the one that is installed.
    """
    table = tomllib.loads(packages)
    lines = (line.split("#")[0].strip() for line in lock.splitlines())
    pinned = {canonicalize_name(Requirement(line).name): line for line in lines if line}
    return {
        stage: "".join([HEAD, *(f"      - {line}\n" for line in _whole(names, table, pinned))])
        for stage, names in table["stages"].items()
    }


def _whole(names: list[str], table: dict, pinned: dict[str, str]) -> list[str]:
    """Pins of packages, and of groups of them, and of all that they bring, sorted."""
    given = [Requirement(line) for name in names for line in table["groups"].get(name, [name])]
    found: dict[tuple, str] = {}
    waiting = list(given)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in found:
            continue
        if requirement in given and requirement.specifier:
            found[key] = str(requirement)  # pinned in the list itself: no part of the lock
            continue
        if name not in pinned:
            raise InputError(f"packages.toml: {name} is not in requirements-lock.txt")
        found[key] = pinned[name]
        waiting += _brought(requirement)
    return sorted(set(found.values()), key=str.lower)


def _brought(requirement: Requirement) -> Iterator[Requirement]:
    """What a package needs on such a machine, with the extras that are asked for."""
    try:
        lines = requires(requirement.name) or []
    except PackageNotFoundError:
        raise InputError(
            f"{requirement.name}: not installed, so what it brings is unknown"
        ) from None
    for line in lines:
        needed = Requirement(line)
        for extra in requirement.extras or {""}:
            if not needed.marker or needed.marker.evaluate({**MACHINE, "extra": extra}):
                yield needed


def main() -> None:
    """Write a file for each stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="what each stage imports")
    parser.add_argument("--lock", type=Path, required=True, help="versions of all packages")
    parser.add_argument("--folder", type=Path, required=True, help="where the files go")
    options = parser.parse_args()
    texts = (options.packages.read_text("utf-8"), options.lock.read_text("utf-8"))
    for stage, content in environments(*texts).items():
        with replacing(options.folder / f"{stage}.yaml") as temporary:
            temporary.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
