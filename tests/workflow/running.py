"""A folder with the workflow in it, and what Snakemake does or would do there."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from patience import patience
from safetensors import SafetensorError
from safetensors.numpy import load_file
from workflow.forked import run_snakemake

ROOT = Path(__file__).parents[2]
TREE = ("Snakefile", "rules", "scripts", "config", "profiles", "envs")
# What a user's shell may hold and what would change a run.
UNWANTED = ("SNAKEMAKE_PROFILE", "SNAKEMAKE_DEBUG", "PYTHONPATH", "PYTHONSTARTUP")
UNWANTED += ("PYTHONDONTWRITEBYTECODE",)
HALF_WRITTEN = ("*.tmp", ".*.tmp", ".*.partial", ".*.previous", "*.progress")
LONGEST = patience(1200)  # seconds of one call of Snakemake
UNFINISHED = (*HALF_WRITTEN, "*.corrupt")
# Rules without wildcards that a user asks for by name.
TARGETS = (
    *("all", "fetch", "masks", "perplexity", "downstream", "tables", "figures"),
    *("preflight", "check_gpu", "audit"),
)
RULE = re.compile(r"^(?:local)?rule (\w+):$")


@dataclass
class Outcome:
    """How a run of Snakemake ended: exit code and everything it printed."""

    code: int
    text: str

    def lines_with(self, *parts: str) -> list[str]:
        """The printed lines that hold all of `parts`."""
        return [line for line in self.text.splitlines() if all(part in line for part in parts)]


class Workflow:
    """Snakemake in one folder, with the config `tiny.yaml` unless told otherwise."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.config = folder / "tiny.yaml"

    @classmethod
    def new(cls, folder: Path) -> "Workflow":
        """The repository's workflow, a tiny random model and texts in an empty folder."""
        import tiny  # brings torch, which takes seconds that the unit tests need not wait

        folder.mkdir(parents=True)
        for name in TREE:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / name, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(source, folder / name)
        shutil.copy2(ROOT / "tests/config/tiny.yaml", folder)
        tiny.write_llama(folder / "inputs/model")
        tiny.write_texts(folder / "inputs/texts", list(tiny.WORDS))
        return cls(folder)

    def copy(self, folder: Path) -> "Workflow":
        """The same folder elsewhere, with file times and Snakemake's memory of what was run."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workflow(folder)

    def command(self, *arguments: str, config: bool = True) -> list[str]:
        """The command line; `config=False` leaves --configfile to the arguments."""
        chosen = ["--configfile", self.config.name] if config else []
        return [sys.executable, "-m", "snakemake", *arguments, *chosen]

    def run(
        self,
        *arguments: str,
        config: bool = True,
        environment: dict[str, str] | None = None,
        python: str = sys.executable,
        timeout: float = LONGEST,
    ) -> Outcome:
        """Run Snakemake to its end with two cores; `environment` adds to the variables."""
        cores = () if "--workflow-profile" in arguments else ("--cores", "2")
        command = [python, *self.command(*arguments, *cores, config=config)[1:]]
        if "--dry-run" in arguments and environment is None and python == sys.executable:
            return self.run_forked(*arguments, config=config, timeout=timeout)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=clean_environment() | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

    def run_forked(
        self,
        *arguments: str,
        config: bool = True,
        environment: dict[str, str] | None = None,
        timeout: float = LONGEST,
    ) -> Outcome:
        """`run` of what starts no job, in less time. No variable can be Python's own."""
        cores = () if "--workflow-profile" in arguments else ("--cores", "2")
        words = self.command(*arguments, *cores, config=config)[3:]
        variables = clean_environment() | (environment or {})
        return Outcome(*run_snakemake(words, self.folder, variables, timeout))

    def jobs(self, *arguments: str, config: bool = True, **options: object) -> set[str]:
        """The jobs that a dry run lists, each as its rule and its wildcards' values.

        For example `prune_model tiny-llama 0 wanda 0.5`; values stand in the order of the output
        path.
        """
        outcome = self.run("--dry-run", "--quiet=host", *arguments, config=config, **options)
        assert outcome.code == 0, outcome.text
        return planned_jobs(outcome.text)

    @contextmanager
    def edit_config(self, overlay: str | None = None) -> Iterator[dict]:
        """The config, or an overlay beside it, as a dict that is written back at the end."""
        path = self.folder / (overlay or self.config.name)
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield content
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")

    def add_overlay(self, name: str) -> None:
        """Put a file of tests/config beside the config."""
        shutil.copy2(ROOT / "tests/config" / name, self.folder)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def files(self, below: str, pattern: str = "*") -> dict[str, bytes]:
        """Content of the files below a folder that match, by their path in it."""
        root = self.folder / below
        found = [path for path in root.rglob(pattern) if path.is_file()]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}

    def unreadable(self) -> list[str]:
        """JSON and safetensors files in results/ that are not whole."""
        broken = []
        for path in sorted((self.folder / "results").rglob("*")):
            try:
                if path.suffix == ".json":
                    json.loads(path.read_text(encoding="utf-8"))
                elif path.suffix == ".safetensors":
                    load_file(path)
            except (ValueError, SafetensorError):
                broken.append(str(path.relative_to(self.folder)))
        return broken

    def unfinished(self) -> list[str]:
        """Paths below results/ and resources/ that only a half-done job leaves behind."""
        return sorted(
            str(path.relative_to(self.folder))
            for below in ("results", "resources")
            for pattern in UNFINISHED
            for path in (self.folder / below).rglob(pattern)
        )


def backwards(value: object) -> object:
    """Mappings with their keys, and lists with their entries, in reverse order at every depth."""
    if isinstance(value, dict):
        return {key: backwards(entry) for key, entry in reversed(value.items())}
    return [backwards(entry) for entry in reversed(value)] if isinstance(value, list) else value


def clean_environment() -> dict[str, str]:
    """This process's variables without those that change what Snakemake or Python does."""
    return {key: value for key, value in os.environ.items() if key not in UNWANTED}


def without_jobs(text: str) -> str:
    """What a dry run prints that is quiet about rules, of what one that is not printed."""
    job = r"^\n?\[.+\]\n(?:local)?rule \w+:\n(?:    .*\n)*"
    return re.sub(job, "", text, flags=re.MULTILINE)


def planned_jobs(text: str) -> set[str]:
    """The jobs in what a dry run printed, checked against the table that it prints as well."""
    jobs: list[list[str]] = []
    for line in text.splitlines():
        if match := RULE.match(line):
            jobs.append([match[1]])
        elif line.startswith("    wildcards: "):
            pairs = line.removeprefix("    wildcards: ").split(", ")
            jobs[-1] += [pair.split("=", 1)[1] for pair in pairs]
    counted = re.search(r"^total +(\d+)$", text, re.MULTILINE)
    assert counted or "Nothing to be done" in text, text
    assert len(jobs) == (int(counted[1]) if counted else 0), text
    named = {" ".join(job) for job in jobs}
    assert len(named) == len(jobs), text
    return named
