"""`snakemake --profile slurm` on the test cluster, and what the accounting says about its jobs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.clones import clone
from cluster.daemons import attempt, command
from patience import patience
from workflow.running import ROOT, Outcome, Workflow, clean_environment

# Words of the command line that follow `snakemake --profile slurm`; the rest is the profile's.
# Jobs use the environment that Snakemake runs in; tests of the conda environments stand elsewhere.
WITHOUT_CONDA = ("--sdm", "env-modules")
POLLING = (
    *("--slurm-init-seconds-before-status-checks", "3"),
    *("--seconds-between-status-checks", "3"),
    *("--max-status-checks-per-second", "1"),
)
PATIENCE = patience(1200)  # seconds for a whole run
FIELDS = "JobIDRaw,State,ReqTRES,ElapsedRaw,TimelimitRaw,Comment"


def new_project(folder: Path) -> Workflow:
    """A clone, and in it the tiny experiment cut down to fifteen jobs on the cluster."""
    import tiny  # brings torch, as in workflow.running

    clone(folder)
    shutil.copy2(ROOT / "tests/config/tiny.yaml", folder)
    tiny.write_llama(folder / "inputs/model")
    tiny.write_texts(folder / "inputs/texts", list(tiny.WORDS))
    workflow = Workflow(folder)
    with workflow.edit_config() as config:
        del config["languages"]["sw"]
        config["compute"] = {"device": "cpu"}  # the cluster's GPUs are to be counted only
        config["methods"] = {"magnitude": {"score": "magnitude"}, "wanda": {"score": "wanda"}}
    return workflow


@dataclass(frozen=True)
class Job:
    """A job as the accounting has it."""

    number: str
    name: str  # rule and wildcards, such as `prune_model_wildcards_tiny-llama_0_wanda_0.5`
    state: str
    gpus: int
    megabytes: int
    seconds: int
    minutes: int  # that it was allowed to take

    @classmethod
    def parse(cls, line: str) -> "Job":
        """A line of `sacct --parsable2` with the columns FIELDS."""
        number, state, resources, seconds, minutes, comment = line.split("|")
        asked = dict(entry.split("=", 1) for entry in resources.split(",") if entry)
        return cls(
            number=number,
            name=comment.removeprefix("rule_"),
            state=state.split()[0],  # `CANCELLED by 0`
            gpus=int(asked.get("gres/gpu", 0)),
            megabytes=megabytes(asked["mem"]),
            seconds=int(seconds),
            minutes=int(minutes),
        )

    @property
    def rule(self) -> str:
        """Name of the rule."""
        return self.name.split("_wildcards_")[0]


def megabytes(text: str) -> int:
    """The accounting's memory, such as `4000M` or `1.50G`, in MB."""
    return round(float(text[:-1]) * {"M": 1, "G": 1024}[text[-1]])


def queued(number: str) -> bool:
    """Whether SLURM has a job that has not ended."""
    return bool(attempt("squeue", "--noheader", "--format=%T", f"--jobs={number}").strip())


class Submission:
    """A run of Snakemake that submits jobs; leaving the block kills one that has not ended."""

    def __init__(
        self, workflow: Workflow, *arguments: str, environment: dict[str, str] | None = None
    ):
        self.workflow = workflow
        # Options with several values stand before others, so that targets are not among them.
        self.command = [
            str(Path(sys.executable).with_name("snakemake")),
            *(
                "--profile",
                "slurm",
                "--quiet=host",
                *arguments,
                "--configfile",
                workflow.config.name,
            ),
            *(*WITHOUT_CONDA, *POLLING),
        ]
        self.environment = clean_environment() | (environment or {})
        self.log = workflow.folder / "run.log"

    def __enter__(self) -> "Submission":
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.workflow.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def finish(self) -> Outcome:
        """Wait until Snakemake ends; a run that takes too long is an error that shows its log."""
        try:
            code = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end within {PATIENCE} s:\n{self.text}") from None
        self.outcome = Outcome(code, self.text)
        return self.outcome

    def interrupt(self) -> None:
        """What Ctrl-C does; returns when Snakemake has ended."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=PATIENCE)

    def stuck(self, seconds: float) -> bool:
        """Whether Snakemake goes on though SLURM has had none of its jobs for `seconds`.

        Returns when it has ended, or is stuck.
        """
        seen = time.monotonic()
        while self.process.poll() is None:
            if any(queued(job.number) for job in self.jobs()):
                seen = time.monotonic()
            if time.monotonic() - seen > seconds:
                return True
            time.sleep(1)
        return False

    @property
    def text(self) -> str:
        """What has been printed so far."""
        return self.log.read_text()

    def running(self, rule: str) -> str:
        """Number of the running job of a rule, waited for."""
        numbers: list[str] = []

        def found() -> bool:
            listed = command("squeue", "--noheader", "--states=RUNNING", "--format=%i %k")
            numbers[:] = [line.split()[0] for line in listed.splitlines() if f"rule_{rule}" in line]
            return bool(numbers)

        self.wait(f"a running job of {rule}", found)
        return numbers[0]

    def wait(self, what: str, ready: Callable[[], bool]) -> None:
        """Until `ready()`; an error shows the log."""
        deadline = time.monotonic() + PATIENCE
        while not ready():
            assert self.process.poll() is None, f"ended before {what}:\n{self.text}"
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE} s:\n{self.text}"
            time.sleep(0.2)

    def jobs(self) -> list[Job]:
        """What this run submitted, in order; a requeued job once."""
        name = re.search(r"^SLURM run ID: (\S+)$", self.text, re.MULTILINE)[1]
        listed = command("sacct", "-XnP", f"--format={FIELDS}", f"--name={name}")
        return [Job.parse(line) for line in listed.splitlines()]

    def overheads(self) -> list[float]:
        """Seconds that each job took beyond its script."""
        root = self.workflow.folder / "results/tiny/benchmarks"
        scripts = {}
        for path in root.rglob("*.jsonl"):
            rule, *wildcards = path.relative_to(root).with_suffix("").parts
            name = "_".join(wildcards).replace("_seed", "_")
            scripts[f"{rule}_wildcards_{name}"] = json.loads(path.read_text())["s"]
        return [job.seconds - scripts[job.name] for job in self.jobs()]
