"""What Snakemake itself would run for a config: its jobs, counted by rule."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from multiprune.errors import InputError

# The profile decides with the config whether a job runs.
COMMAND = ("-n", "--workflow-profile", "local", "--quiet", "host", "rules")
COUNT = re.compile(r"^(\w+) +(\d+)$")
REASON = re.compile(r"^ {4}(\w[^:\n]*):\n {8}(.+)$", re.MULTILINE)


class Planned(NamedTuple):
    """Number of jobs by rule, `all` left out; the rules that run by Snakemake's reasons."""

    jobs: dict[str, int]
    reasons: dict[str, list[str]]


def planned(configs: Iterable[Path | str]) -> Planned:
    """What a run of these config files would start.

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
    return Planned(counted(done.stdout), reasons(done.stdout))


def counted(text: str) -> dict[str, int]:
    """The table of jobs in what a dry run prints; empty where nothing is to be done.

    InputError where it has printed neither.
    """
    found = [COUNT.match(line) for line in text.splitlines()]
    counts = {match[1]: int(match[2]) for match in found if match}
    if not counts and "Nothing to be done" not in text:
        raise InputError(_refusal(text))
    return {rule: count for rule, count in counts.items() if rule not in ("all", "total")}


def reasons(text: str) -> dict[str, list[str]]:
    """The rules that a dry run would start, by the reasons that it prints at its end."""
    *_before, said = text.rpartition("\nReasons:\n")
    return {reason: rules.split(", ") for reason, rules in REASON.findall(said)}


def _refusal(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith("error")]
    line = own[-1] if own else " ".join(lines[-3:])
    return re.sub(r"^error( in the config)?: ", "", line) or "the dry run ended without a word"
