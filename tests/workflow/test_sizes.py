"""How much is printed: a plan, a run and a refusal are read by a person."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow.running import Workflow, clean_environment, without_jobs

LOCAL = ("--workflow-profile", "local")
DRY_RUN, RUN = 4_000, 20_000  # characters


def own_config(workflow: Workflow) -> Path:
    """The demo plus one language, as the quickstart writes it."""
    path = workflow.folder / "config/mine.yaml"
    config = yaml.safe_load((workflow.folder / "config/demo.yaml").read_text(encoding="utf-8"))
    config["languages"]["vi"] = {"corpus": "scratch", "text": "vi", "role": "unseen"}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def test_a_dry_run_of_the_demo_and_a_language_is_short(fresh: Workflow):
    own_config(fresh)
    given = ("--dry-run", "--configfile", "config/mine.yaml", *LOCAL)
    quiet = fresh.run(*given, config=False)
    assert quiet.code == 0, quiet.text
    assert len(quiet.text) < DRY_RUN
    # By this the tests count what is quiet of a plan that lists all jobs.
    listed = fresh.run(*given, "--quiet=host", config=False)
    assert len(listed.text) > 10 * len(quiet.text)
    assert without_jobs(listed.text) == quiet.text


def test_a_run_prints_little_and_ends_with_its_results(printed: str):
    assert len(printed) < RUN
    last = printed.splitlines()[-20:]
    for part in ("Perplexity of tiny-llama, geometric mean", "tables: results/tiny/tables"):
        assert [line for line in last if line.startswith(part)], printed
    report = "--report results/tiny/report.html --report-stylesheet profiles/demo/report.css"
    assert f"report: snakemake --configfile tiny.yaml {report}" in last


def test_one_table_alone_prints_no_results(project: Workflow):
    (project.folder / "results/tiny/tables/overlap.csv").unlink()
    outcome = project.run("results/tiny/tables/overlap.csv", *LOCAL)
    assert outcome.code == 0, outcome.text
    assert "1 of 1 steps (100%) done" in outcome.text
    assert "geometric mean" not in outcome.text


def test_a_failed_job_says_why_in_the_last_lines(project: Workflow):
    (project.folder / "inputs/texts/sw.txt").write_text("kurz\n", encoding="utf-8")
    outcome = project.run(*LOCAL)
    assert outcome.code != 0
    [line] = [line for line in outcome.text.splitlines()[-8:] if line.startswith("failed: ")]
    assert line.startswith("failed: fetch_corpus corpus=words, language=sw: inputs/texts/sw.txt:")
    assert "at least 10 are needed" in line
    assert line.endswith("(log: results/tiny/logs/fetch_corpus/words/sw.log)")


REPORT = ("--report", "results/tiny/report.html", "--report-after-run")
REFUSED = {
    "a target": (["tabels"], "unknown target 'tabels'", "did you mean 'tables'?"),
    "a figure": (
        ["results/tiny/figures/ratio_to_base-tiny-llama.png"],
        "unknown figure 'ratio_to_base'",
        "did you mean 'ratio_to_baseline'?",
    ),
    "a report": (["results/tiny/report.html"], "--report results/tiny/report.html", "no target"),
    "a dry run with a report": (REPORT, "-n changes no file", "results/tiny/report.html"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_asked_for_is_one_line(finished: Workflow, name: str):
    asked, *parts = REFUSED[name]
    before = finished.files("results")
    outcome = finished.run("--dry-run", *asked)
    assert outcome.code != 0
    [line] = [line for line in outcome.text.splitlines() if not line.startswith("note: ")]
    assert line.startswith("error: ")
    assert [part for part in parts if part not in line] == [], line
    assert finished.files("results") == before


def plan(project: Workflow, *configs: str) -> tuple[int, list[str]]:
    """What `make plan` says of config files, without its notes on short texts."""
    done = subprocess.run(
        [sys.executable, "scripts/plan_run.py", *configs],
        cwd=project.folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    return done.returncode, [line for line in lines if not line.startswith("note: own text of ")]


def test_the_plan_in_words(project: Workflow):
    assert plan(project, "tiny.yaml") == (
        0, ["nothing to be done", "18 of 18 perplexities are computed already"],
    )  # fmt: skip
    with project.edit_config() as config:
        config["languages"]["fr"] = {"corpus": "words", "role": "unseen", "name": "French"}
    code, (told, state) = plan(project, "tiny.yaml")
    assert code == 0
    assert told.startswith(
        "French (fr) added: 1 text, 6 evaluations (other languages come from the cache), 3 tables, "
    )
    assert re.search(r" minutes? on \d+ cores, by the times of earlier runs$", told)
    assert state == "18 of 24 perplexities are computed already"
    code, (line,) = plan(project, "tinny.yaml")
    assert (code, line) == (
        1, "error: tinny.yaml: No such file or directory; allowed is a YAML file",
    )  # fmt: skip
