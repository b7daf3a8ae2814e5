"""`snakemake preflight --profile slurm` on a real cluster, whose GPUs are there to be counted."""

from pathlib import Path

import pytest
from cluster.daemons import Cluster
from cluster.submitting import Job, Submission, new_project
from workflow.running import Workflow


@pytest.fixture
def project(cluster: Cluster, tmp_path: Path) -> Workflow:
    return new_project(tmp_path / "project")


def asked(project: Workflow) -> tuple[Submission, Job]:
    """A preflight that has ended, and the one job that it submitted."""
    with Submission(project, "preflight") as run:
        run.finish()
    (job,) = run.jobs()
    assert (job.rule, job.gpus, job.minutes) == ("check_gpu", 1, 5), run.text
    return run, job


def test_one_job_says_what_it_computes_on_each_time(project: Workflow):
    for _ in range(2):
        run, job = asked(project)
        assert (run.outcome.code, job.state) == (0, "COMPLETED"), run.text
        assert run.outcome.lines_with("ok ", "gpu", "jobs run on the CPU (compute.device: cpu)")
        assert run.outcome.lines_with("ok ", "text", "words/en", "calibration 24")


def test_a_gpu_that_torch_cannot_use_fails_in_one_line(project: Workflow):
    with project.edit_config() as config:
        del config["compute"]
    run, job = asked(project)
    assert run.outcome.code != 0
    assert job.state == "FAILED"
    assert run.outcome.lines_with("failed: check_gpu", "cannot use the GPU that", "=0 speaks of")
    assert "Traceback" not in run.text
