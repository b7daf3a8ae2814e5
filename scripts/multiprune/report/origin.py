"""Where an experiment's numbers come from, read from its own files: plain Python, no pandas."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from multiprune.experiment.grid import DENSE

PATIENCE = 20  # seconds that Git may take


def origin(config: Mapping, results: Path, code: Path) -> dict[str, str]:
    """What to say of an experiment, by its subject; what is not known is left out.

    config: the whole one, with all defaults. results: its folder. code: folder of the workflow.
    """
    records = list(_records(config, results))
    known = {
        "Code": commit(code),
        "Made": _date(results),
        "Machine": _machine(records),
        "Duration": duration(results / "benchmarks"),
        "Models": "; ".join(_defined(*item) for item in sorted(config["models"].items())),
        "Text": _text(config, records),
        "Calibration": _calibration(config),
        "Versions": _versions(records),
    }
    return {subject: said for subject, said in known.items() if said}


def commit(code: Path) -> str:
    """The commit that the workflow's folder is at as the report is written; empty without Git."""
    head = _git(code, "log", "-1", "--format=%h, %cs")
    if not head:
        return ""
    changed = _git(code, "status", "--porcelain", "--untracked-files=no")
    return f"commit {head}{' with changes that are not committed' if changed else ''}"


def _git(code: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(code), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def duration(benchmarks: Path) -> str:
    """How long the jobs ran, from their benchmarks; jobs at the same time count each."""
    seconds = jobs = 0
    for path in benchmarks.rglob("*.jsonl"):
        for line in _objects(path, one_a_line=True):
            if isinstance(took := line.get("s"), int | float):
                seconds += took
                jobs += 1
    if not jobs:
        return ""
    return f"{spoken_time(seconds)} of work in {jobs} jobs (some ran at the same time)"


def spoken_time(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3.5 hours`."""
    for least, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * least:
            return f"{seconds / least:.{1 if unit == 'hours' else 0}f} {unit}"
    return f"{seconds:.0f} seconds"


def _records(config: Mapping, results: Path) -> Iterator[dict]:
    """The perplexity records of the dense models, a language each."""
    for model in sorted(config["models"]):
        folder = results / model / f"seed{min(config['seeds'])}" / "perplexity" / DENSE / "0"
        for path in sorted(folder.glob("*.json")):
            yield from _objects(path)


def _objects(path: Path, one_a_line: bool = False) -> list[dict]:
    """The JSON objects that a file holds; none where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        found = [json.loads(part) for part in (text.splitlines() if one_a_line else [text])]
    except (OSError, ValueError):
        return []
    return [content for content in found if isinstance(content, dict)]


def _date(results: Path) -> str:
    try:
        made = (results / "tables/summary.csv").stat().st_mtime
    except OSError:
        return ""
    return f"{datetime.fromtimestamp(made):%d %B %Y, %H:%M}"


def _machine(records: list[dict]) -> str:
    devices = sorted({record.get("provenance", {}).get("device", "") for record in records} - {""})
    where = f"evaluated on {' and '.join(devices)}; " if devices else ""
    return f"{where}{os.cpu_count()} cores where the report was written"


def _defined(name: str, definition: Mapping) -> str:
    """A model or corpus by its name, kind and what else tells it from others."""
    keys = ("package", "repo", "version", "revision")
    return " ".join([name, *(str(definition[key]) for key in keys if key in definition)])


def _text(config: Mapping, records: list[dict]) -> str:
    measured = config["evaluation"]["perplexity"]
    corpora = sorted({entry["corpus"] for entry in config["languages"].values()})
    named = ", ".join(_defined(name, config["corpora"][name]) for name in corpora)
    text = f"{named}; {measured['split']} split in windows of {measured['length']} tokens"
    tokens = [record["tokens"] for record in records if "tokens" in record]
    windows = [len(record["window_tokens"]) for record in records if "window_tokens" in record]
    if tokens and windows:
        text += f"; {_span(tokens)} tokens in {_span(windows)} windows a language"
    return text


def _span(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _calibration(config: Mapping) -> str:
    drawn = config["calibration"]
    seeds = sorted(config["seeds"])
    listed = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    return f"{drawn['samples']} windows of {drawn['length']} tokens a language; {listed}"


def _versions(records: list[dict]) -> str:
    """Of the libraries that the records name, and of what runs the workflow."""
    found: dict[str, set] = {}
    for record in records:
        for name, number in record.get("provenance", {}).get("versions", {}).items():
            found.setdefault(name, set()).add(number)
    here = {"Python": python_version(), "Snakemake": version("snakemake")}
    listed = [f"{name} {' and '.join(sorted(numbers))}" for name, numbers in sorted(found.items())]
    return ", ".join([*listed, *(f"{name} {number}" for name, number in here.items())])
