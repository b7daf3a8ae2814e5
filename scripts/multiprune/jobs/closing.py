"""The last lines of a run: what it made, where that is, and which jobs failed by what."""

import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from multiprune.files.aside import RUN
from multiprune.jobs.command_line import everything
from multiprune.jobs.failures import reason


def say_what_was_made(asked: Namespace | None, results: str, configs: list[str], summary: Path):
    """Print the result table, the claims, and where tables, figures and report are.

    For all that a config stands for: who asks for one file knows where it is, and tables would be
    those of an earlier run. Where a report follows, `make` prints the table below it.
    """
    if asked is None or asked.report or not everything(asked):
        return
    environment = {name: value for name, value in os.environ.items() if name != RUN}  # no job
    command = [sys.executable, str(summary), "--tables", f"{results}/tables"]
    subprocess.run(command, env=environment, check=False)
    given = f"--configfile {' '.join(configs)} " if configs else ""
    print(f"tables: {results}/tables")
    print(f"figures: {results}/figures")
    # Without the stylesheet the beginning of a long first page cannot be scrolled to.
    styled = f"--report {results}/report.html --report-stylesheet profiles/demo/report.css"
    print(f"report: snakemake {given}{styled}", flush=True)


def failed_lines(failed: Iterable[Any], waiting: int) -> list[str]:
    """A line for each of Snakemake's failed jobs, with its own words, and how many did not run."""
    lines = []
    for job in failed:
        wildcards = ", ".join(f"{name}={value}" for name, value in job.wildcards_dict.items())
        name, said = f"{job.rule.name} {wildcards}".strip(), reason(job.log)
        lines.append(f"failed: {name}: {said or 'says nothing'} (log: {', '.join(job.log)})")
    done = f"jobs: {len(lines)} failed, {waiting} not run; the same command goes on from here"
    return [*sorted(lines), done]
