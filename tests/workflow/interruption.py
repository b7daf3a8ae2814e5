"""Killing a run in the middle of a job, as a batch system or a power cut does, and going on."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from patience import patience
from workflow.running import Outcome, Workflow, clean_environment

REPORT = ("--report", "results/tiny/report.html", "--report-after-run")
# The profile that the README names; with it, a killed job starts again.
COMMAND = ("--workflow-profile", "demo", *REPORT)
LOGS = "results/tiny/logs/evaluate_perplexity/tiny-llama/seed0"
CACHE = "results/tiny/tiny-llama/cache"
PATIENCE = patience(900)  # seconds until there is something to kill


@dataclass
class Interrupted:
    """An experiment that was killed and resumed, and what was seen on the way."""

    workflow: Workflow
    first_text: str  # what the killed run had printed
    incomplete: int  # outputs that Snakemake had marked as being written when it was killed
    records: dict[str, bytes]  # evaluation cache at the kill
    half_written: list[str]  # results at the kill that cannot be read
    locked: Outcome
    unlocked: Outcome
    resumed: Outcome


def kill_and_resume(workflow: Workflow) -> Interrupted:
    """Run, kill while a pruned model is evaluated, try again, unlock, run to the end."""
    text = kill_when(lambda: evaluating(workflow), workflow, workflow.command(*COMMAND))
    incomplete = len(list((workflow.folder / ".snakemake/incomplete").glob("*")))
    records, half_written = workflow.files(CACHE), workflow.unreadable()
    locked = workflow.run(*COMMAND)
    unlocked = workflow.run("--unlock")
    resumed = workflow.run(*COMMAND)
    return Interrupted(workflow, text, incomplete, records, half_written, locked, unlocked, resumed)


def evaluating(workflow: Workflow) -> bool:
    """Whether a pruned model's evaluation has begun and a record of any model has been kept."""
    begun = {path.parent.name for path in (workflow.folder / LOGS).glob("*/*.log")}
    return bool(begun - {"dense"}) and any((workflow.folder / CACHE).glob("*.json"))


def kill_when(ready: Callable[[], bool], workflow: Workflow, command: list[str]) -> str:
    """Start Snakemake, SIGKILL it and its jobs once `ready()` holds; returns what it printed."""
    log = workflow.folder / "first_run.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=workflow.folder,
            env=clean_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(ready, process)
        finally:
            kill_group(process)
    return log.read_text()


def wait_until(ready: Callable[[], bool], process: subprocess.Popen) -> None:
    """Ask again and again while the process runs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if ready():
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
            raise AssertionError("the run ended before it could be killed")
    raise AssertionError(f"what was waited for did not come within {PATIENCE} s")


def kill_group(process: subprocess.Popen) -> None:
    """SIGKILL for a process that was started here as a group of its own, jobs included."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
