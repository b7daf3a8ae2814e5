"""What Snakemake itself would run for a config: its jobs, counted by rule."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from multiprune.errors import InputError

# The profile decides with the config whether a job runs.
COMMAND = ("-n", "--workflow-profile", "local", "--quiet", "host", "rules")
COUNT = re.compile(r"^(\w+) +(\d+)$")


def planned(configs: Iterable[Path | str]) -> dict[str, int]:
    """Number of jobs of each rule that a run of these config files would start, `all` left out.

    InputError where Snakemake refuses the config, with its own words.
    """
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *COMMAND, "--configfile", *map(str, configs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(_refusal(done.stdout))
    return counted(done.stdout)


def counted(text: str) -> dict[str, int]:
    """The table of jobs in what a dry run prints; empty where nothing is to be done.

    InputError where it has printed neither.
    """
    found = [COUNT.match(line) for line in text.splitlines()]
    counts = {match[1]: int(match[2]) for match in found if match}
    if not counts and "Nothing to be done" not in text:
        raise InputError(_refusal(text))
    return {rule: count for rule, count in counts.items() if rule not in ("all", "total")}


def _refusal(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith("error")]
    line = own[-1] if own else " ".join(lines[-3:])
    return re.sub(r"^error( in the config)?: ", "", line) or "the dry run ended without a word"
