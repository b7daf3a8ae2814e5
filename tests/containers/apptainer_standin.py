"""A stand-in for Apptainer that answers just the calls that Snakemake 9.27 makes.

It proves which command Snakemake starts in which image, with which options: the command runs with
the PATH of an "image", a virtual environment that sees the packages of the tests, as Apptainer
replaces PATH. It does NOT prove that an image can be built, nor what is in one: the image's file
is never read, and the command sees all files of this machine.

Run as a command through the wrapper that `install` writes.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from sysconfig import get_path

VERSION = "1.0.0"  # the oldest that Snakemake 9.27 takes
CALLS = "calls.jsonl"
IMAGE = "image"  # the environment that commands run in
WITH_VALUE = ("--home", "--bind", "--pwd")


def install(root: Path) -> Path:
    """Write `bin/apptainer` and the image below `root`; the folder to put on PATH."""
    commands = root / "bin"
    commands.mkdir(parents=True)
    script = shlex.join([sys.executable, str(Path(__file__).resolve()), str(root)])
    (commands / "apptainer").write_text(f'#!/bin/sh\nexec {script} "$@"\n')
    (commands / "apptainer").chmod(0o755)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / IMAGE], check=True)
    [packages] = (root / IMAGE).glob("lib/python*/site-packages")
    (packages / "tests.pth").write_text(get_path("purelib") + "\n")
    return commands


def calls(root: Path) -> list[list[str]]:
    """The arguments of every call so far, in order."""
    return [json.loads(line) for line in (root / CALLS).read_text().splitlines()]


def split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    """Options, image and command of `exec`."""
    position = 0
    while arguments[position].startswith("-"):
        position += 2 if arguments[position] in WITH_VALUE else 1
    return arguments[:position], arguments[position], arguments[position + 1 :]


def answer(root: Path, arguments: list[str]) -> None:
    """Answer one call; anything but the known calls ends with code 2."""
    with open(root / CALLS, "a", encoding="utf-8") as file:
        file.write(json.dumps(arguments) + "\n")
    match arguments:
        case ["--version"]:
            print(f"apptainer version {VERSION}")
        case ["pull", "--name", file, _]:
            Path(file).touch()
        case ["exec", *rest]:
            _, image, command = split(rest)
            if not Path(image).is_file():
                sys.exit(f"apptainer stand-in: no image at {image}")
            os.environ["PATH"] = f"{root / IMAGE / 'bin'}:/usr/local/bin:/usr/bin:/bin"
            os.execvp(command[0], command)
        case _:
            print(f"apptainer stand-in: cannot answer {shlex.join(arguments)}", file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    answer(Path(sys.argv[1]), sys.argv[2:])
