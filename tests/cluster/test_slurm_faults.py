"""What goes wrong on clusters: the run ends with all results, or says what is missing and why."""

import os
import shutil
import time
from pathlib import Path

import pytest
from cluster.daemons import Cluster, attempt, command
from cluster.submitting import WITHOUT_CONDA, Submission
from workflow.running import Workflow

STATISTICS = "results/tiny/tiny-llama/seed0/statistics"
DE, EN = f"{STATISTICS}/de.safetensors", f"{STATISTICS}/en.safetensors"
SLURM = ("sbatch", "srun", "sacct", "sacctmgr", "scontrol", "sinfo", "squeue", "scancel", "sshare")
OUTAGE = 20  # seconds, in which Snakemake asks for the state of its jobs at least once
# MB: enough for the Snakemake in the job, and too little for the script, which imports torch.
TOO_LITTLE, GROWING = "400", "400*attempt**3"


@pytest.fixture
def unfinished(submitted: Workflow) -> Workflow:
    """The finished experiment without the statistics of two languages."""
    (submitted.folder / DE).unlink()
    (submitted.folder / EN).unlink()
    return submitted


def memory(megabytes: str) -> tuple[str, str]:
    """Options that ask for other memory than the rule does."""
    return ("--set-resources", f"collect_statistics:mem_mb={megabytes}")


def states(run: Submission) -> dict[str, list[str]]:
    """States of a run's jobs by their name, in the order of their submission."""
    found: dict[str, list[str]] = {}
    for job in run.jobs():
        found.setdefault(job.name.rsplit("_", 1)[1], []).append(job.state)
    return found


def assert_each_done_once(run: Submission, *languages: str) -> None:
    """Every job was completed in its last attempt and in no other, and none was forgotten."""
    found = states(run)
    assert set(found) == set(languages)
    for attempts in found.values():
        assert attempts.count("COMPLETED") == 1
        assert attempts[-1] == "COMPLETED"


def slurm_log(workflow: Workflow, number: str) -> str:
    """SLURM's own log of a job that failed."""
    (path,) = (workflow.folder / "results/slurm").rglob(f"{number}.log")
    return path.read_text()


def assert_completed(workflow: Workflow) -> None:
    """Both statistics are there and whole, and nothing is left to do for them."""
    assert workflow.unreadable() == workflow.unfinished() == []
    assert workflow.jobs(DE, EN, "--profile", "slurm", *WITHOUT_CONDA) == set()
    assert all((workflow.folder / path).exists() for path in (DE, EN))


def test_job_over_its_memory_is_retried_with_more(unfinished: Workflow):
    with Submission(unfinished, DE, *memory(GROWING)) as run:
        outcome = run.finish()
    assert outcome.code == 0, outcome.text
    first, second = run.jobs()
    assert (first.megabytes, second.megabytes) == (400, 3200)
    # With cgroups the first state is OUT_OF_MEMORY; without, only SLURM's log tells the reason.
    assert (first.state, second.state) == ("FAILED", "COMPLETED")
    assert "exceeded memory limit" in slurm_log(unfinished, first.number)


def test_failed_run_names_what_is_missing_and_a_second_call_completes_it(unfinished: Workflow):
    with Submission(unfinished, DE, "--retries", "0", *memory(TOO_LITTLE)) as failed:
        outcome = failed.finish()
    assert outcome.code != 0
    assert outcome.lines_with("Error in rule collect_statistics")
    assert outcome.lines_with("output:", DE)
    (job,) = failed.jobs()
    assert outcome.lines_with("log:", f"{job.number}.log")
    assert "exceeded memory limit" in slurm_log(unfinished, job.number)
    with Submission(unfinished, DE, EN) as second:
        outcome = second.finish()
    assert outcome.code == 0, outcome.text
    assert states(second) == {"de": ["COMPLETED"], "en": ["COMPLETED"]}
    assert_completed(unfinished)


def test_cancelled_job_is_retried(unfinished: Workflow):
    with Submission(unfinished, DE) as run:
        command("scancel", run.running("collect_statistics"))
        outcome = run.finish()
    assert outcome.code == 0, outcome.text
    assert states(run) == {"de": ["CANCELLED", "COMPLETED"]}


def test_run_outlives_a_controller_that_is_away(unfinished: Workflow, cluster: Cluster):
    with Submission(unfinished, DE, EN) as run:
        run.running("collect_statistics")
        cluster.end("slurmctld")
        back = time.monotonic() + OUTAGE
        run.wait("the end of the outage", lambda: time.monotonic() > back)
        cluster.start_controller()
        outcome = run.finish()
    assert outcome.code == 0, outcome.text
    # A job that asks for its step in the outage fails and is retried.
    assert_each_done_once(run, "de", "en")
    assert_completed(unfinished)


def test_job_on_a_node_that_goes_down_runs_again(unfinished: Workflow):
    with Submission(unfinished, DE) as run:
        number = run.running("collect_statistics")
        command("scontrol", "update", "NodeName=localhost", "State=down", "Reason=test")
        run.wait("a node that is back", resumed)
        # SLURM holds a requeued job back for two minutes.
        command("scontrol", "update", f"JobId={number}", "StartTime=now")
        outcome = run.finish()
    assert outcome.code == 0, outcome.text
    # Queued again by SLURM under its number, or, where it ended first, by Snakemake.
    assert run.jobs()[0].number == number
    assert_each_done_once(run, "de")


def resumed() -> bool:
    """Whether the node takes jobs again; it is asked to as soon as it has let go of its jobs."""
    attempt("scontrol", "update", "NodeName=localhost", "State=resume")
    return command("sinfo", "--noheader", "--format=%T").strip() in ("idle", "mixed")


def test_unknown_partition_is_one_line(unfinished: Workflow):
    with Submission(unfinished, DE, "--default-resources", "slurm_partition=gpus") as run:
        outcome = run.finish()
    assert outcome.code != 0
    assert len(outcome.lines_with("gpus")) == 2  # the command line that Snakemake repeats
    assert outcome.lines_with("error: ", "partition 'gpus'", "allowed are test")
    assert "Traceback" not in outcome.text
    assert not (unfinished.folder / DE).exists()


def test_machine_without_slurm_is_one_line(unfinished: Workflow):
    programs = unfinished.folder / "programs"
    programs.mkdir()
    for folder in os.get_exec_path():
        for path in Path(folder).glob("*"):
            if path.name not in SLURM and not (programs / path.name).is_symlink():
                (programs / path.name).symlink_to(path)
    assert shutil.which("sbatch", path=str(programs)) is None
    with Submission(unfinished, DE, environment={"PATH": str(programs)}) as run:
        outcome = run.finish()
    assert outcome.code != 0
    assert len(outcome.lines_with("sbatch")) == 1
    assert outcome.lines_with("error: ", "sbatch", "login node")
    assert "Traceback" not in outcome.text
