"""Fixtures of the tests that run Snakemake: one finished experiment, copied for every change."""

from pathlib import Path

import pytest

from workflow.running import Workflow


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The tiny experiment, run to its end once. Tests read it and never change it."""
    workflow = Workflow.new(tmp_path_factory.mktemp("finished") / "project")
    outcome = workflow.run()
    assert outcome.code == 0, outcome.text
    return workflow


@pytest.fixture
def project(finished: Workflow, tmp_path: Path) -> Workflow:
    """A copy of the finished experiment that a test may change."""
    return finished.copy(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Workflow:
    """The experiment before anything has been run."""
    return Workflow.new(tmp_path / "project")
