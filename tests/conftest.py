"""Fixtures of the tests that run Snakemake: one finished experiment, copied for every change."""

import os
from pathlib import Path

import pytest
from workflow.interruption import Interrupted, kill_and_resume
from workflow.running import Workflow
from workflow.twins import Twins, run_twins

from multiprune.files.locks import locked

RUNS_SNAKEMAKE = {"finished", "fresh", "hostile", "interrupted", "printed", "twins"}
QUICK = ("unit", "refusals")  # folders of tests that take less than a second, most of them
# Folders of tests, the longest first, so that two processes end at about the same time.
LONGEST_FIRST = (
    *("cluster", "conda", "workflow", "refusals"),
    *("end_to_end", "containers", "browser", "faults", "unit"),
)
# Modules that share what takes long to make, or of which only one can run.
TOGETHER = {
    "cluster": ("tests/cluster/",),
    "interrupted": ("tests/end_to_end/test_interruption.py", "tests/end_to_end/test_experiment.py"),
    "twins": ("tests/workflow/test_concurrency.py", "tests/workflow/test_determinism.py"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, and mark as slow what runs Snakemake; a test of seconds says so itself."""
    items.sort(key=lambda item: LONGEST_FIRST.index(folder_of(item.nodeid)))
    for item in items:
        if folder_of(item.nodeid) not in QUICK or RUNS_SNAKEMAKE & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A module stays in one process, for its fixtures; so do those of TOGETHER."""
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.split("::")[0]
            shared = (name for name, below in TOGETHER.items() if module.startswith(below))
            return next(shared, module)

    return ByModule(config, log)


def folder_of(nodeid: str) -> str:
    """The folder below tests/ that a test stands in."""
    return nodeid.split("/")[1]


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The repository as it is when the tests begin, so that all of them test the same code."""
    return Workflow.new(tmp_path_factory.mktemp("snapshot") / "project")


@pytest.fixture(scope="session")
def finished(snapshot: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The tiny experiment, run to its end once. Tests read it and never change it.

    Once for all processes of the tests: the first makes it, on both cores, and the others wait.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    workflow, mark = Workflow(folder / "finished/project"), folder / "finished/done"
    with locked(folder / "finished.lock"):
        if not mark.exists():
            snapshot.copy(workflow.folder)
            outcome = workflow.run("--workflow-profile", "local")
            assert outcome.code == 0, outcome.text
            mark.write_text(outcome.text, encoding="utf-8")
    return workflow


@pytest.fixture(scope="session")
def printed(finished: Workflow) -> str:
    """All that the run of the tiny experiment printed."""
    return (finished.folder.parent / "done").read_text(encoding="utf-8")


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


@pytest.fixture(scope="session")
def twins(snapshot: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """Two clones that share their downloads, run at the same time from nothing."""
    return run_twins(snapshot, tmp_path_factory.mktemp("twins"))
