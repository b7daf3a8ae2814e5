"""Snakemake as a job of its own on a real cluster: `sbatch profiles/slurm/head.sbatch`."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster.daemons import attempt
from cluster.submitting import PATIENCE, POLLING, WITHOUT_CONDA
from workflow.running import Workflow, clean_environment

HEAD = "profiles/slurm/head.sbatch"
SMALL = ("--cpus-per-task=1", "--mem=2000", "--time=30")  # beside jobs, on a node of two cores
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY")
# As in an environment that was activated before sbatch.
PATH = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
SEED = "results/tiny/tiny-llama/seed0"


@pytest.fixture
def unjudged(submitted: Workflow) -> Workflow:
    """The experiment without its perplexities and the tables that read them."""
    shutil.rmtree(submitted.folder / SEED / "perplexity")
    return submitted


def send(project: Workflow, *options: str) -> str:
    """Submit the head job; its number."""
    words = ("--configfile", project.config.name, *WITHOUT_CONDA, *POLLING, "--quiet=host")
    done = subprocess.run(
        ["sbatch", "--parsable", *SMALL, *options, HEAD, "perplexity", *words],
        cwd=project.folder, env=clean_environment() | PATH, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.strip()


def state(number: str) -> str:
    """What the controller says of a job."""
    shown = attempt("scontrol", "--oneliner", "show", "job", number)
    return shown.partition("JobState=")[2].partition(" ")[0]


def wait_for(what: str, ready, log: Path) -> None:
    """Until `ready()`; an error shows the head's log."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        text = log.read_text() if log.exists() else ""
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE} s:\n{text}"
        time.sleep(0.5)


def test_a_head_job_runs_to_its_end_and_leaves_nothing_to_do(unjudged: Workflow):
    number = send(unjudged)
    log = unjudged.folder / f"results/head-{number}.log"
    wait_for("end", lambda: state(number) in ENDED, log)
    assert state(number) == "COMPLETED", log.read_text()
    assert unjudged.jobs("perplexity", "--profile", "slurm", *WITHOUT_CONDA) == set()
