"""A stand-in for conda that answers just the calls that Snakemake 9.27 makes.

It proves that an environment file lists everything that its scripts import: the environment is a
bare `python -m venv` with the packages of the file's pip section in it and nothing else. It does
NOT prove that a conda solver accepts the file, that the channels exist, or that the file's Python
version can be had (the environment has the Python that runs this script).

Run as a command through the wrapper that `install` writes.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement

VERSION = "24.7.1"  # the oldest that Snakemake 9.27 takes
CALLS = "calls.jsonl"
ACTIVATE = """\
# Sourced as `source activate PREFIX` before each job's command.
if [ ! -x "$1/bin/python" ]; then
    echo "conda stand-in: no environment at $1" >&2
    exit 1
fi
export CONDA_PREFIX="$1" CONDA_SHLVL=1 PATH="$1/bin:$PATH"
"""


def install(root: Path) -> Path:
    """Write `bin/conda` and `bin/activate` below `root` and return the folder to put on PATH."""
    commands = root / "bin"
    commands.mkdir(parents=True)
    script = shlex.join([sys.executable, str(Path(__file__).resolve()), str(root)])
    (commands / "conda").write_text(f'#!/bin/sh\nexec {script} "$@"\n')
    (commands / "conda").chmod(0o755)
    (commands / "activate").write_text(ACTIVATE)
    return commands


def calls(root: Path) -> list[list[str]]:
    """The arguments of every call so far, in order."""
    return [json.loads(line) for line in (root / CALLS).read_text().splitlines()]


def answer(root: Path, arguments: list[str]) -> None:
    """Answer one call on standard output; anything but the known calls ends with code 2."""
    with open(root / CALLS, "a", encoding="utf-8") as file:
        file.write(json.dumps(arguments) + "\n")
    match arguments:
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(root), "platform": "linux-64"}))
        case ["--version"]:
            print(f"conda {VERSION}")
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case [
            "env", "create", "--quiet", "--no-default-packages", "--file", file, "--prefix", prefix
        ]:  # fmt: skip
            create(Path(file), Path(prefix))
        case ["clean", "-y", "--tarballs"]:
            pass
        case _:
            print(f"conda stand-in: cannot answer conda {shlex.join(arguments)}", file=sys.stderr)
            sys.exit(2)


def create(file: Path, prefix: Path) -> None:
    """An environment with the packages of the file's pip section and nothing else.

    The section pins every package, so that nothing has to be looked for: each is linked file by
    file from the environment of the tests, or installed where that has another. `pip check`
    then says whether they need others, or other versions of each other.
    """
    dependencies = yaml.safe_load(file.read_text(encoding="utf-8"))["dependencies"]
    pins = [line for entry in dependencies if isinstance(entry, dict) for line in entry["pip"]]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    [packages] = prefix.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", str(prefix / "bin/python")]
    held = {pin: package for pin in pins if (package := installed(Requirement(pin)))}
    for package in held.values():
        for path in package.files:
            link(Path(package.locate_file(path)), Path(os.path.normpath(packages / path)))
    if others := [pin for pin in pins if pin not in held]:
        subprocess.run([*pip, "install", "--quiet", "--no-input", *others], check=True)
    subprocess.run([*pip, "check"], check=True, stdout=sys.stderr)


def installed(wanted: Requirement) -> Distribution | None:
    """The package in the environment of the tests, if it has the version (2.13.0+cpu is 2.13.0)."""
    try:
        package = distribution(wanted.name)
    except PackageNotFoundError:
        return None
    return package if package.version in wanted.specifier else None


def link(source: Path, place: Path) -> None:
    """The same file at another place; a copy on another file system."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place)
    except FileExistsError:  # of a namespace that packages share
        return
    except OSError:
        shutil.copy2(source, place)


if __name__ == "__main__":
    try:
        answer(Path(sys.argv[1]), sys.argv[2:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
