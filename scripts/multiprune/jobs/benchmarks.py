"""How long jobs will take, from those that ran on this machine: a span, since none is like another.

Snakemake keeps the seconds of every job in results/{experiment}/benchmarks/{rule}/.
"""

import json
from collections.abc import Iterable, Mapping
from math import ceil
from pathlib import Path
from statistics import quantiles


def seconds_of(rule: str, folders: Iterable[Path], models: set[str] | None = None) -> list[float]:
    """Seconds of the jobs of a rule, from the first folder that knows any.

    `models`: those whose jobs count; None for a rule that is of no model.
    """
    for folder in folders:
        paths = sorted((folder / rule).rglob("*.jsonl"))
        if models is not None:
            paths = [path for path in paths if _model(path.relative_to(folder)) in models]
        if found := [time for path in paths for time in _seconds(path)]:
            return found
    return []


def _model(path: Path) -> str:
    """The model of a benchmark, `{rule}/{model}/...` or `{rule}/{model}.jsonl`."""
    return path.parts[1].removesuffix(".jsonl")


def _seconds(path: Path) -> list[float]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [float(json.loads(line)["s"]) for line in lines if line.strip()]
    except (OSError, ValueError, KeyError, TypeError):  # half written by a job that was killed
        return []


def span(
    jobs: Mapping[str, int],
    seconds: Mapping[str, list[float]],
    cores: int,
    shares: Mapping[str, float] | None = None,
) -> tuple[float, float] | None:
    """Least and most minutes of this many jobs of each rule; None without a benchmark.

    From the lower quartile of each rule's seconds, all cores busy, to the upper one and the longest
    job of all at the end. `shares`: how much of a rule's work is new, which lowers the least.
    """
    known = {rule: count for rule, count in jobs.items() if seconds.get(rule)}
    if not known:
        return None
    least = most = longest = 0.0
    for rule, count in known.items():
        low, _middle, high = _quartiles(seconds[rule])
        least += count * low * (shares or {}).get(rule, 1.0)
        most += count * high
        longest = max(longest, high)
    return least / cores / 60, (most / cores + longest) / 60


def _quartiles(values: list[float]) -> list[float]:
    return quantiles(values, method="inclusive") if len(values) > 1 else values * 3


def in_words(minutes: tuple[float, float], cores: int) -> str:
    """`about 4 to 6 minutes on 2 cores`."""
    least, most = max(1, round(minutes[0])), max(1, ceil(minutes[1]))
    unit = "minute" if most == 1 else "minutes"
    if most >= 120:
        least, most, unit = max(1, round(minutes[0] / 60)), ceil(minutes[1] / 60), "hours"
    numbers = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"about {numbers} {unit} on {cores} core{'' if cores == 1 else 's'}"
