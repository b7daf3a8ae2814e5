"""Fixtures of the tests that read a report in a browser: the browser, and a report."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import check_report
from playwright.sync_api import Browser
from workflow.running import Workflow


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; REQUIRE_BROWSER forbids to skip its tests."""
    if reason := check_report.missing():
        give_up = pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip
        give_up(reason)
    with check_report.started() as running:
        yield running


@pytest.fixture(scope="session")
def reported(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the tiny experiment with examples and a report, made as the README says."""
    workflow = finished.copy(tmp_path_factory.mktemp("reported") / "project")
    workflow.add_overlay("tiny_examples.yaml")
    both = ("--configfile", "tiny.yaml", "tiny_examples.yaml")
    style = ("--report-stylesheet", "profiles/demo/report.css")
    for asked in ((), ("--report", "results/tiny/report.html", *style)):
        outcome = workflow.run(*asked, *both, config=False)
        assert outcome.code == 0, outcome.text
    return workflow.folder / "results/tiny"
