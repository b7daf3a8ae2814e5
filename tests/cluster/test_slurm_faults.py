"""What goes wrong on clusters: the run ends with all results, or says what is missing and why."""

import shutil
import time
from collections.abc import Iterator

import pytest
from cluster.clones import SLURM, link_programs
from cluster.daemons import Cluster, attempt, command
from cluster.submitting import WITHOUT_CONDA, Submission
from patience import patience
from workflow.running import Workflow

SEED = "results/tiny/tiny-llama/seed0"
DE, EN = f"{SEED}/statistics/de.safetensors", f"{SEED}/statistics/en.safetensors"
WINDOWS = f"{SEED}/calibration/de.safetensors"
# Seconds in which Snakemake asks for the state of its jobs, and, since the second is submitted so
# long after the first, submits one; sbatch gives up after ten.
OUTAGE, BETWEEN_JOBS = 20, 12
WITHOUT_JOBS = patience(60)  # seconds after which Snakemake must have seen that a job has ended
# MB: enough for the Snakemake in the job, and too little for the script, which imports torch.
GROWING, TOO_LITTLE_FOR_DE = "400*attempt**3", "400 if wildcards.calibration == 'de' else 3500"


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


def test_failed_run_names_what_is_missing_and_a_second_call_makes_only_that(unfinished: Workflow):
    options = ("--retries", "0", *memory(TOO_LITTLE_FOR_DE))
    with Submission(unfinished, DE, EN, *options) as failed:
        outcome = failed.finish()
    assert outcome.code != 0
    by_language = {language: attempts[-1] for language, attempts in states(failed).items()}
    assert by_language.pop("de") != "COMPLETED"
    assert by_language == {"en": "COMPLETED"}  # one failed job does not stop the others
    assert outcome.lines_with("Error in rule collect_statistics")
    assert outcome.lines_with("output:", DE)
    assert not outcome.lines_with("output:", EN)[1:]  # but when it was submitted
    number = next(job.number for job in failed.jobs() if job.name.endswith("_de"))
    assert outcome.lines_with("log:", f"{number}.log")
    assert outcome.lines_with("failed: ") == outcome.lines_with(
        "failed: collect_statistics model=tiny-llama, seed=0, calibration=de: ",
        "(log: results/tiny/",
    )
    assert outcome.lines_with("jobs: 1 failed, 0 not run")
    assert "exceeded memory limit" in slurm_log(unfinished, number)
    with Submission(unfinished, DE, EN) as second:
        outcome = second.finish()
    assert outcome.code == 0, outcome.text
    assert states(second) == {"de": ["COMPLETED"]}
    assert_completed(unfinished)


def test_cancelled_jobs_are_retried_with_more_memory_and_time(unfinished: Workflow):
    (unfinished.folder / WINDOWS).unlink()
    rules = ("sample_calibration", "collect_statistics")
    with Submission(unfinished, DE) as run:
        for rule in rules:
            command("scancel", run.running(rule))
        outcome = run.finish()
    assert outcome.code == 0, outcome.text
    for rule in rules:
        first, second = [job for job in run.jobs() if job.rule == rule]
        assert (first.state, second.state) == ("CANCELLED", "COMPLETED")
        assert (second.megabytes, second.minutes) == (2 * first.megabytes, 2 * first.minutes)


def test_run_outlives_a_controller_that_is_away(unfinished: Workflow, cluster: Cluster):
    slowly = ("--max-jobs-per-timespan", f"1/{BETWEEN_JOBS}s")
    with Submission(unfinished, DE, EN, *slowly) as run:
        run.running("collect_statistics")
        cluster.end("slurmctld")
        submitted = run.text.count("has been submitted")
        back = time.monotonic() + OUTAGE
        run.wait("the end of the outage", lambda: time.monotonic() > back)
        cluster.start_controller()
        outcome = run.finish()
    assert outcome.code == 0, outcome.text
    assert submitted == 1  # the other one while the controller was away, or after it
    # A job that is submitted or asks for its step in the outage fails and is retried.
    assert_each_done_once(run, "de", "en")
    assert_completed(unfinished)


def test_job_on_a_node_that_goes_down_runs_again(unfinished: Workflow):
    with Submission(unfinished, DE) as run:
        number = run.running("collect_statistics")
        command("scontrol", "update", "NodeName=localhost", "State=down", "Reason=test")
        run.wait("a node that is back", resumed)
        states = []
        run.wait("a job that is let go", lambda: let_go(number, states))
        # Queued again by SLURM under its number, or, where it ended first, by Snakemake; which now
        # and then waits for the first one, and then the page on clusters says what to do.
        if stuck := run.stuck(WITHOUT_JOBS):
            run.interrupt()
        outcome = run.finish()
    assert run.jobs()[0].number == number
    if stuck:
        with Submission(unfinished, DE) as again:
            outcome = again.finish()
    else:
        assert_each_done_once(run, "de")
    assert outcome.code == 0, outcome.text
    assert unfinished.jobs(DE, "--profile", "slurm", *WITHOUT_CONDA) == set()


def let_go(number: int, states: list[str]) -> bool:
    """Whether a job has been queued again and waits no longer; SLURM would hold it for two minutes.

    `states` are those that it was seen in.
    """
    states.append(attempt("squeue", "--noheader", "--format=%T", f"--jobs={number}").strip())
    if states[-1] == "PENDING":
        attempt("scontrol", "update", f"JobId={number}", "StartTime=now")
    return states[-1] == "" or ("PENDING" in states and states[-1] != "PENDING")


def resumed() -> bool:
    """Whether the node takes jobs again; it is asked to as soon as it has let go of its jobs."""
    attempt("scontrol", "update", "NodeName=localhost", "State=resume")
    return command("sinfo", "--noheader", "--format=%T").strip() in ("idle", "mixed")


@pytest.fixture
def two_places(cluster: Cluster) -> Iterator[None]:
    """SLURM takes two jobs of this user at a time."""
    manage = ("sacctmgr", "--immediate", "--quiet", "modify", "user", "root", "set")
    command(*manage, "MaxSubmitJobs=2")
    yield
    command(*manage, "MaxSubmitJobs=-1")


def test_no_more_jobs_than_slurm_takes(submitted: Workflow, two_places: None):
    """Three are ready at once; each is done in its first attempt."""
    shutil.rmtree(submitted.folder / SEED / "perplexity")
    with Submission(submitted, "perplexity") as run:
        outcome = run.finish()
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with("note: SLURM takes 2 jobs of yours at a time, so no more are")
    assert "SubmitJobLimit" not in outcome.text
    assert [job.state for job in run.jobs()] == ["COMPLETED"] * 3


def test_unknown_partition_is_one_line(unfinished: Workflow):
    with Submission(unfinished, DE, "--default-resources", "slurm_partition=gpus") as run:
        outcome = run.finish()
    assert outcome.code != 0
    assert len(outcome.lines_with("gpus")) == 1
    assert outcome.lines_with("error: ", "partition 'gpus'", "allowed are test")
    assert "Traceback" not in outcome.text
    assert not (unfinished.folder / DE).exists()


def test_machine_without_slurm_is_one_line(unfinished: Workflow):
    programs = link_programs(unfinished.folder / "programs", without=SLURM)
    assert shutil.which("sbatch", path=str(programs)) is None
    with Submission(unfinished, DE, environment={"PATH": str(programs)}) as run:
        outcome = run.finish()
    assert outcome.code != 0
    assert len(outcome.lines_with("sbatch")) == 1
    assert outcome.lines_with("error: ", "sbatch", "login node")
    assert "Traceback" not in outcome.text
