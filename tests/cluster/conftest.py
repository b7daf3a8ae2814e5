"""Fixtures of the tests on a real SLURM cluster: the cluster, and one experiment run on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import daemons
from cluster.submitting import Submission, new_project
from workflow.running import Workflow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the cluster as slow."""
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def cluster() -> Iterator[daemons.Cluster]:
    """A running cluster; its daemons end with the tests. REQUIRE_SLURM forbids to skip them."""
    if reason := daemons.missing():
        give_up = pytest.fail if os.environ.get("REQUIRE_SLURM") else pytest.skip
        give_up(f"no SLURM cluster can be started: {reason}")
    with daemons.started() as running:
        yield running


@pytest.fixture(scope="session")
def submission(
    cluster: daemons.Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Submission]:
    """`snakemake --profile slurm` in a fresh clone, run to its end once."""
    project = new_project(tmp_path_factory.mktemp("submitted") / "project")
    with Submission(project) as run:
        run.finish()
    assert run.outcome.code == 0, run.outcome.text
    return run


@pytest.fixture
def submitted(submission: Submission, tmp_path: Path) -> Workflow:
    """A copy of the experiment that was run on the cluster, which a test may change."""
    return submission.workflow.copy(tmp_path / "project")
