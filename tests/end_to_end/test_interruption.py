"""A run that is killed in the middle of a job goes on with the same command, and loses nothing."""

from pathlib import Path

import pandas as pd
from workflow.interruption import CACHE, LOGS, Interrupted
from workflow.running import Workflow


def test_the_kill_hit_a_running_evaluation(interrupted: Interrupted):
    assert interrupted.incomplete > 0
    assert "Exiting because a job execution failed" not in interrupted.first_text
    assert interrupted.records


def test_killed_run_leaves_no_half_written_file(interrupted: Interrupted):
    assert interrupted.half_written == []


def test_locked_folder_says_how_to_unlock(interrupted: Interrupted):
    assert interrupted.locked.code != 0
    assert interrupted.locked.lines_with("--unlock")
    assert "Traceback" not in interrupted.locked.text


def test_same_command_finishes(interrupted: Interrupted):
    assert interrupted.unlocked.code == 0, interrupted.unlocked.text
    assert interrupted.resumed.code == 0, interrupted.resumed.text
    assert interrupted.workflow.unfinished() == []
    assert interrupted.workflow.jobs("--rerun-incomplete") == set()


def test_finished_evaluations_are_not_computed_again(interrupted: Interrupted):
    records = interrupted.workflow.files(CACHE)
    assert {name: records[name] for name in interrupted.records} == interrupted.records
    logs = (interrupted.workflow.folder / LOGS).rglob("*.log")
    kept = sum(log.read_text().count("kept from an earlier run") for log in logs)
    finished_jobs = interrupted.first_text.count("(Rule: evaluate_perplexity)")
    # What the killed job had finished is taken from the cache; finished jobs are not run at all.
    assert kept == len(interrupted.records) - 3 * finished_jobs


def test_results_equal_those_of_an_undisturbed_run(interrupted: Interrupted, finished: Workflow):
    # Joined tables with their pages and those of the one model, seven figures in two formats with
    # their captions, and the results in words.
    for kind, count in (("tables", 15), ("captions", 8), ("figures", 14)):
        undisturbed = without_claims(finished.files(f"results/tiny/{kind}"))
        assert len(undisturbed) == count
        assert without_claims(interrupted.workflow.files(f"results/tiny/{kind}")) == undisturbed


def test_verdicts_differ_in_measured_costs_only(interrupted: Interrupted, finished: Workflow):
    tables = []
    for workflow in (interrupted.workflow, finished):
        table = pd.read_csv(workflow.folder / "results/tiny/tables/claims.csv")
        costs = table["measurement"].str.contains("time ratio|memory ratio")
        assert costs.sum() == 2
        tables.append(table[~costs])
    pd.testing.assert_frame_equal(*tables)


def without_claims(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without what holds the time and memory that a run took, and hidden files about files."""
    return {
        name: content
        for name, content in files.items()
        if not Path(name).name.startswith(("claims", "."))
    }
