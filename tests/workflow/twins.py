"""Two clones that share their downloads by a symbolic link, run at the same time."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from patience import patience
from workflow.interruption import kill_group, wait_until
from workflow.running import Outcome, Workflow, backwards, clean_environment

# What the first of two clones makes: masks of every method, one pruned model's perplexity, a table.
FEW = (
    "masks",
    "results/tiny/tiny-llama/seed0/perplexity/wanda/0.5/en.json",
    "results/tiny/tables/allocation.csv",
)
PATIENCE = patience(1200)  # seconds until a run has ended


class Running:
    """Snakemake in the background; what it prints is kept in a file beside the clone."""

    def __init__(
        self, workflow: Workflow, *arguments: str, environment: dict[str, str] | None = None
    ):
        self.workflow = workflow
        self.log = workflow.folder.with_name(workflow.folder.name + ".log")
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                workflow.command(*arguments, "--cores", "1"),
                cwd=workflow.folder,
                env=clean_environment() | (environment or {}),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *exception: object) -> None:
        kill_group(self.process)

    @property
    def text(self) -> str:
        """What it has printed up to now."""
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until it has printed a text; an error where it ends without."""
        wait_until(lambda: text in self.text, self.process)

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def outcome(self) -> Outcome:
        """How it ended; waits for that."""
        code = self.process.wait(PATIENCE)
        return Outcome(code, self.text)


@dataclass
class Twins:
    """Both clones, how they ended, and whether both were under way at one time."""

    few: Workflow
    whole: Workflow
    outcomes: tuple[Outcome, Outcome]
    at_once: bool


def share_downloads(clone: Workflow, resources: Path) -> Workflow:
    """Let a clone keep its downloads in a folder of all clones."""
    resources.mkdir(exist_ok=True)
    (clone.folder / "resources").symlink_to(resources)
    return clone


def reorder(clone: Workflow) -> None:
    """Turn round every mapping and every list of the config."""
    with clone.edit_config() as config:
        reordered = backwards(config)
        config.clear()
        config.update(reordered)


# Lines that change what modules do of which a job's digest of code takes no notice.
ALTERED = {
    "errors": "_SHORT.maxstring = 5\nInputError.__str__ = lambda self: 'altered'",
    "registry": "_n = names\n\n\ndef names(*which, **more):\n    return _n(*which, **more)[::-1]",
    "files.aside": "def set_aside(path, reason):\n    raise InputError('altered')",
    "files.locks": "_f = _flocked\n\n\ndef _flocked(path):\n    print(path)\n    return _f(path)",
    "jobs.command": "_r = run\n\n\ndef run(main, log_environment=True):\n    _r(main, False)",
    "jobs.slurm": "def check_submission(partitions):\n    raise InputError('altered')",
}


def alter(clone: Workflow) -> None:
    """Change what neutral modules do."""
    for module, lines in ALTERED.items():
        path = clone.folder / "scripts/multiprune" / f"{module.replace('.', '/')}.py"
        path.write_text(f"{path.read_text()}\n\n{lines}\n")


def fetch_logs(clone: Workflow) -> list[str]:
    """What the jobs that fetch have written to their logs."""
    logs = clone.folder / "results/tiny/logs"
    return [path.read_text() for path in sorted(logs.glob("fetch_*/**/*.log"))]


def run_twins(snapshot: Workflow, folder: Path) -> Twins:
    """Two clones from nothing; the second makes everything.

    It has its config in another order, and neutral modules that do other things.
    """
    few, whole = (
        share_downloads(snapshot.copy(folder / name), folder / "resources")
        for name in ("few", "whole")
    )
    reorder(whole)
    alter(whole)
    with Running(few, *FEW) as one, Running(whole) as other:
        one.wait_for("Building DAG of jobs")
        other.wait_for("Building DAG of jobs")
        at_once = one.runs() and other.runs()
        return Twins(few, whole, (one.outcome(), other.outcome()), at_once)
