"""What nobody touched on purpose: a text with an old time, a folder left by a power cut, a machine
with another locale, few open files, no inode left.
"""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.calls import Impossible, Missed
from faults.experiment import EVERY_TABLE, PERPLEXITY, TABLES, Bench
from faults.grounds import everything_from_nothing, one_method
from faults.table import Row, family
from workflow.running import Workflow

from multiprune.files.checksums import origin_of

TEXT = "inputs/texts/de.txt"
FUTURE = 10**7  # seconds from now
FEW_FILES = ["prlimit", "--nofile=64:64", "--"]
OTHER_LOCALE = {"LC_ALL": "C", "LANG": None, "LANGUAGE": "tr", "TZ": "Asia/Kathmandu"}


def longer_text(workflow: Workflow) -> None:
    """Another text under the same name."""
    with (workflow.folder / TEXT).open("a", encoding="utf-8") as file:
        file.write("\n\nein Absatz mehr als zuvor\n")


def dated(when: str):
    """The fault: another text comes with the time of the old one, or with one in the future."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        expected, needed = bench.changed("text", longer_text)
        trial = bench.trial(EVERY_TABLE, needed)
        text, wrong = trial.folder / TEXT, []
        old = text.stat().st_mtime
        longer_text(trial.workflow)
        trial.expected = expected
        if when == "future":
            os.utime(text, (time.time() + FUTURE,) * 2)
            if f"{TEXT}: is dated in the future" not in trial.call().text:
                wrong.append(f"no line says that {TEXT} is dated in the future")
            os.utime(text)
        else:
            os.utime(text, (old, old))
        trial.again()
        if trial.call().started:
            wrong.append("a job ran although nothing was to be done")
        return Row(f"{TEXT}, {when} time", "another text", trial, wrong + trial.judge())

    return inject


def surrounded(where: str, environment: dict[str, str | None], before: list[str] | None = None):
    """The fault: the same command on another kind of machine; nothing may go wrong."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        trial = everything_from_nothing(bench)
        trial.environment, trial.before = environment, before or []
        ran = trial.call()
        wrong = [] if ran.code == 0 else ["the first call failed"]
        return Row(where, f"call ended with {ran.code}", trial, wrong + trial.judge())

    return inject


def without_git(bench: Bench, draw: random.Random) -> Row:
    """No program called git on PATH."""
    programs = bench.scratch / "programs"
    if not programs.is_dir():
        programs.mkdir()
        for folder in reversed(os.environ["PATH"].split(os.pathsep)):
            for program in Path(folder).glob("*"):
                link = programs / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program.absolute())
        (programs / "git").unlink(missing_ok=True)
    return surrounded("no git", {"PATH": str(programs)})(bench, draw)


@contextmanager
def few_inodes(folder: Path, spare: int) -> Iterator[None]:
    """The folder stands on a file system with so many inodes left; any number afterwards."""
    original = folder.rename(folder.with_name(folder.name + ".original"))
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        raise Impossible("this user can mount no file system")
    shutil.copytree(original, folder, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(original)
    state = os.statvfs(folder)
    used = state.f_files - state.f_ffree
    remount(folder, used + spare)
    try:
        yield
    finally:
        remount(folder, 0)


def remount(folder: Path, inodes: int) -> None:
    """Give a mounted file system another number of inodes; 0 is any number."""
    subprocess.run(["mount", "-o", f"remount,nr_inodes={inodes}", str(folder)], check=True)


def no_inode(bench: Bench, draw: random.Random) -> Row:
    """The file system has no inode left at some moment; later it has."""
    trial = one_method(bench)
    spare = draw.randrange(4, 16)  # of the two dozen that the command needs
    try:
        with few_inodes(trial.folder, spare):
            ran = trial.call()
        if ran.code == 0:
            raise Missed("there were inodes enough")
        trial.unlocks = True  # Snakemake itself may have found no room to end well
        trial.again()
        wrong = trial.judge()
    finally:
        subprocess.run(["umount", "-l", str(trial.folder)], check=False)
    return Row(f"{spare} inodes left", f"call ended with {ran.code}", trial, wrong)


def zeroed(path: Path) -> None:
    """A file of the same length and time without its content, as after a power cut."""
    state = path.stat()
    path.write_bytes(bytes(state.st_size))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def zeros_in_memory(bench: Bench, draw: random.Random) -> Row:
    """What Snakemake remembers of its jobs is nothing but zeros."""
    trial = one_method(bench)
    memory = [path for path in (trial.folder / ".snakemake/metadata").rglob("*") if path.is_file()]
    for path in memory:
        zeroed(path)
    trial.again()
    return Row(".snakemake/metadata", f"{len(memory)} files zeroed", trial, trial.judge())


def zeros_beside_tables(bench: Bench, draw: random.Random) -> Row:
    """What stands beside tables, to say what they were made from, is nothing but zeros."""
    trial = bench.trial(PERPLEXITY, set())
    tables = sorted((trial.folder / "results").rglob("*.csv"))
    for table in tables:
        zeroed(origin_of(table))
    wrong = []
    if trial.call().started:
        wrong.append("a job ran although nothing was to be done")
    audited = trial.workflow.run("audit")
    if audited.code == 0 or not audited.lines_with(f"{TABLES}/summary.csv"):
        wrong.append("audit did not name the tables")
    return Row("sidecars", f"{len(tables)} files zeroed", trial, wrong + trial.judge())


family("text replaced", dated("old"), dated("future"))
family(
    "other machine",
    surrounded("other locale, HOME unset", OTHER_LOCALE | {"HOME": None}),
    surrounded("64 open files", {}, FEW_FILES),
    surrounded("settings of Python", {"PYTHONSAFEPATH": "1", "PYTHONOPTIMIZE": "2"}),
    without_git,
)
family("no inode left", no_inode)
family("zeros", zeros_in_memory, zeros_beside_tables)
