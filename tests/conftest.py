"""Fixtures of the tests that run Snakemake: one finished experiment, copied for every change."""

from pathlib import Path

import pytest
from workflow.interruption import Interrupted, kill_and_resume
from workflow.running import Workflow

RUNS_SNAKEMAKE = {"finished", "fresh", "interrupted"}
# Folders of tests, the longest first, so that two processes end at about the same time.
LONGEST_FIRST = ("cluster", "conda", "workflow", "end_to_end", "architectures", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, and say which may not run beside each other.

    What runs Snakemake is slow: `-m "not slow"` leaves the tests of seconds. A module stays in one
    process, for its fixtures; so does the whole folder cluster, for there is one cluster.
    """
    items.sort(key=lambda item: LONGEST_FIRST.index(_folder(item)))
    for item in items:
        if RUNS_SNAKEMAKE & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
        group = "cluster" if _folder(item) == "cluster" else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The repository as it is when the tests begin, so that all of them test the same code."""
    return Workflow.new(tmp_path_factory.mktemp("snapshot") / "project")


@pytest.fixture(scope="session")
def finished(snapshot: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The tiny experiment, run to its end once. Tests read it and never change it."""
    workflow = snapshot.copy(tmp_path_factory.mktemp("finished") / "project")
    outcome = workflow.run()
    assert outcome.code == 0, outcome.text
    return workflow


@pytest.fixture
def project(finished: Workflow, tmp_path: Path) -> Workflow:
    """A copy of the finished experiment that a test may change."""
    return finished.copy(tmp_path / "project")


@pytest.fixture
def fresh(snapshot: Workflow, tmp_path: Path) -> Workflow:
    """The experiment before anything has been run."""
    return snapshot.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def interrupted(snapshot: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """The same experiment from nothing, killed while models are evaluated, unlocked, resumed."""
    return kill_and_resume(snapshot.copy(tmp_path_factory.mktemp("interrupted") / "project"))
