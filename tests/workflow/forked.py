"""Calls of Snakemake that share its import, which takes longer than planning a small run."""

import multiprocessing
import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["snakemake.cli"])
TESTS = Path(__file__).parents[1]


def run_snakemake(
    arguments: list[str], folder: Path, environment: dict[str, str], timeout: float
) -> tuple[int, str]:
    """`snakemake ARGUMENTS` in a folder: its exit code and what it printed."""
    with NamedTemporaryFile() as printed:
        process = SERVER.Process(target=_main, args=(arguments, folder, environment, printed.name))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{folder}: snakemake {arguments} took more than {timeout:.0f} s")
        return process.exitcode, printed.read().decode()


def _main(arguments: list[str], folder: Path, environment: dict[str, str], printed: str) -> None:
    """What `python -m snakemake` does, in this process."""
    output = os.open(printed, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.dont_write_bytecode = False
    # Where pytest finds the library of the repository; a copy's Snakefile names its own.
    own = {str(TESTS), str(TESTS.parent / "scripts")}
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry not in own)]
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()
