"""The disk is full, a folder cannot be written to, or an output disappears."""

import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.calls import Impossible
from faults.experiment import (
    ALLOCATION,
    MODEL,
    PERPLEXITY,
    RUN,
    TABLES,
    Bench,
    joined,
    remove,
)
from faults.grounds import (
    CHOSEN,
    MASK,
    MASK_RECORD,
    RECORDS,
    from_nothing,
    one_method,
)
from faults.table import Row, family
from workflow.expected import masks

# What a write beyond RLIMIT_FSIZE is told.
FULL = re.compile(r"^error: \S*(results|resources)/\S+: File too large$", re.MULTILINE)
UNWRITABLE = ("Operation not permitted", "Permission denied", "Read-only file system")


def disk_full(ground, script: str, path: str):
    """The fault: a script cannot write its output; later there is room again."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        trial = ground(bench)
        size = (bench.finished.folder / path).stat().st_size
        # The few lines that a script logs still fit.
        room = draw.randint(min(600, size // 2), size - 1)
        call = trial.start()
        try:
            call.fill_disk(script, room)
            ran = trial.note(call.end())
        finally:
            call.kill_all()
        wrong = [] if ran.code else ["the call succeeded on a full disk"]
        if not FULL.search(ran.text):
            wrong.append("no line says which file was too large")
        trial.again()
        wrong += trial.finished_again(before=1)
        complete = ground is not from_nothing
        return Row(script, f"room for {room} of {size} bytes", trial, wrong + trial.judge(complete))

    return inject


Ways = list[tuple[list[str], list[str]]]  # a command that makes read-only, one that undoes it


def forbidding(folder: str) -> Ways:
    """What makes a folder read-only; modes do not stop root."""
    if os.geteuid():
        return [(["chmod", "a-w", folder], ["chmod", "u+w", folder])]
    return [(["chattr", "+i", folder], ["chattr", "-i", folder]), *forbidding_below(folder)]


def forbidding_below(folder: str) -> Ways:
    """What makes a folder and all that is in it read-only."""
    if os.geteuid():
        return [(["chmod", "-R", "a-w", folder], ["chmod", "-R", "u+w", folder])]
    return [(["mount", "--bind", "-o", "ro", folder, folder], ["umount", folder])]


@contextmanager
def unwritable(folder: Path, ways: Callable[[str], Ways] = forbidding) -> Iterator[None]:
    """A folder that nothing can be created in; Impossible where no way leads there."""
    for forbid, allow in ways(str(folder)):
        if shutil.which(forbid[0]) and not subprocess.run(forbid, check=False).returncode:
            try:
                if can_write(folder):
                    raise AssertionError(f"{folder} can still be written to after {forbid[0]}")
                yield
            finally:
                subprocess.run(allow, check=True)
            return
    raise Impossible("no way to make a folder read-only for this user")


def can_write(folder: Path) -> bool:
    """Whether a file can be created in a folder."""
    try:
        (folder / "probe").touch()
    except OSError:
        return False
    return True


def read_only(ground, folder: str, *gone: str):
    """The fault: the folder of an output cannot be written to; later it can.

    `gone`: files to be removed before, so that something has to be written.
    """

    def inject(bench: Bench, draw: random.Random) -> Row:
        trial = ground(bench)
        remove(trial.folder, *gone)
        with unwritable(trial.folder / folder):
            ran = trial.call()
        wrong = [] if ran.code else ["the call succeeded in a read-only folder"]
        if not any(reason in ran.text and folder in ran.text for reason in UNWRITABLE):
            wrong.append(f"no line says that {folder} cannot be written to")
        trial.again()
        wrong += trial.finished_again(before=1)
        return Row(folder, f"call ended with {ran.code}", trial, wrong + trial.judge())

    return inject


def only_read(bench: Bench, draw: random.Random) -> Row:
    """All downloads lie on a file system that can only be read, as those that a group shares."""
    trial = one_method(bench)
    downloads = trial.folder / "resources"
    with unwritable(downloads, forbidding_below):
        ran = trial.call()
    wrong = [] if ran.code == 0 else ["the first call failed"]
    return Row("resources", f"call ended with {ran.code}", trial, wrong + trial.judge())


def removed(paths: list[str], targets: list[str], needed: set[str]):
    """The fault: outputs are removed from the finished experiment."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        trial = bench.trial(targets, needed)
        remove(trial.folder, *paths)
        trial.again()
        return Row(paths[0], f"{len(paths)} removed", trial, trial.judge())

    return inject


def removed_meanwhile(bench: Bench, draw: random.Random) -> Row:
    """A mask disappears while its evaluation is starting."""
    trial = one_method(bench)
    call = trial.start()
    try:
        call.wait_for_script("evaluate_perplexity")
        remove(trial.folder, MASK)
        ran = trial.note(call.end())
    finally:
        call.kill_all()
    wrong = []
    if ran.code and "Traceback" not in ran.text and MASK not in ran.text:
        wrong.append(f"no line names {MASK}")
    trial.again()
    complete = ran.code != 0  # a mask that had been read is not missed
    return Row(MASK, f"call ended with {ran.code}", trial, wrong + trial.judge(complete))


family(
    "disk full",
    disk_full(one_method, "prune_model", MASK),
    disk_full(from_nothing, "collect_statistics", f"{RUN}/statistics/de.safetensors"),
    disk_full(one_method, "evaluate_perplexity", f"{RECORDS}/de.json"),
    disk_full(from_nothing, "fetch_corpus", "resources/corpora/words/de/calibration.jsonl"),
)
family(
    "folder read-only",
    read_only(one_method, RECORDS),
    read_only(one_method, f"results/tiny/{MODEL}/cache", f"results/tiny/{MODEL}/cache/*.json"),
    read_only(one_method, TABLES),
    only_read,
)
family(
    "output removed",
    removed(
        [f"{TABLES}/perplexity.csv", f"{TABLES}/summary.csv"],
        PERPLEXITY,
        {"join_tables perplexity", "join_tables summary"},
    ),
    removed_meanwhile,
    removed(
        [
            f"{TABLES}/allocation.csv",
            f"{TABLES}/by_model/{MODEL}/allocation.csv",
            MASK,
            MASK_RECORD,
        ],
        ALLOCATION,
        masks(CHOSEN) | joined("allocation"),
    ),
)
