"""Killing a run in the middle of a job, as a batch system or a power cut does, and going on."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from workflow.running import Outcome, Workflow, clean_environment

REPORT = ("--report", "results/tiny/report.html", "--report-after-run")
# The profile that the README names; with it, a killed job starts again.
COMMAND = ("--workflow-profile", "demo", *REPORT)
LOGS = "results/tiny/logs/evaluate_perplexity/tiny-llama/seed0"
CACHE = "results/tiny/tiny-llama/cache"
PATIENCE = 300  # seconds until a pruned model is being evaluated


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
    log = workflow.folder / "first_run.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            workflow.command(*COMMAND),
            cwd=workflow.folder,
            env=clean_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for_evaluation(workflow, process)
        finally:
            kill_group(process)
    incomplete = len(list((workflow.folder / ".snakemake/incomplete").glob("*")))
    records, half_written = workflow.files(CACHE), workflow.unreadable()
    locked = workflow.run(*COMMAND)
    unlocked = workflow.run("--unlock")
    resumed = workflow.run(*COMMAND)
    return Interrupted(
        workflow, log.read_text(), incomplete, records, half_written, locked, unlocked, resumed
    )


def wait_for_evaluation(workflow: Workflow, process: subprocess.Popen) -> None:
    """Until a pruned model's evaluation has begun and a record of any model has been kept."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        begun = {path.parent.name for path in (workflow.folder / LOGS).glob("*/*.log")}
        if begun - {"dense"} and any((workflow.folder / CACHE).glob("*.json")):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
            raise AssertionError("the run ended before it could be killed")
    raise AssertionError(f"no evaluation began within {PATIENCE} s")


def kill_group(process: subprocess.Popen) -> None:
    """SIGKILL for a process that was started here as a group of its own, jobs included."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
