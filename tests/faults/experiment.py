"""The small experiment that faults are tried on: its undisturbed runs, and one trial of a fault."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from faults.calls import Call, Ran
from faults.contents import contents, differences, half_written, set_aside
from workflow.expected import MODEL
from workflow.running import ROOT, Workflow

from multiprune.files.checksums import origin_of

OPTIONS = ("--cores", "2", "--rerun-incomplete", "--keep-going", "--show-failed-logs")
# Snakemake prints a traceback of its own where it cannot remove a file or a folder.
OUR_FRAME = re.compile(r'^ *File "[^"]*(?:scripts|rules)/[^"]*", line', re.MULTILINE)
MOST_CALLS = 3  # of the same command after a fault
TABLES = "results/tiny/tables"
RUN = f"results/tiny/{MODEL}/seed0"
OF_MODEL = f"{TABLES}/by_model/{MODEL}"
TASK = "tiny_downstream.yaml"
TASK_RECORDS = [f"{RUN}/downstream/dense/0/cloze/{language}.json" for language in ("de", "en")]


def named(*names: str) -> list[str]:
    """Paths of final tables."""
    return [f"{TABLES}/{name}.csv" for name in names]


PERPLEXITY = named("perplexity", "summary")
ALLOCATION = named("allocation")
CORRELATION = named("correlation")
ALL_TABLES = named("perplexity", "summary", "allocation", "correlation", "overlap", "claims")
EVERY_TABLE = ["tables"]  # asked for by the name of the rule


def joined(*names: str) -> set[str]:
    """The jobs that make tables from the results of a model."""
    return {
        job for name in names for job in (f"tabulate_results {MODEL} {name}", f"join_tables {name}")
    }


@dataclass
class Trial:
    """A copy of an experiment, a command, and what its calls did.

    `needed`: the jobs that an undisturbed run of the command would run.
    """

    workflow: Workflow
    targets: list[str]
    needed: set[str]
    usual: dict[str, float]
    expected: dict[str, str]
    overlays: Sequence[str] = ()
    calls: list[Ran] = field(default_factory=list)
    environment: dict[str, str | None] = field(default_factory=dict)
    before: Sequence[str] = ()  # words before the command
    unlocks: bool = False
    wrong: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.workflow.folder

    @property
    def final(self) -> list[str]:
        """Paths of what the command is to make."""
        if self.targets == EVERY_TABLE:
            return ALL_TABLES
        return [target for target in self.targets if "/" in target]  # others are rules

    def start(self) -> Call:
        """Give the command; the call that is returned runs."""
        command = [*self.workflow.command(*OPTIONS, *self.targets), *self.overlays]
        return Call([*self.before, *command], self.folder, self.environment)

    def note(self, ran: Ran) -> Ran:
        """Keep what a call did."""
        if OUR_FRAME.search(ran.text):
            self.wrong.append("a traceback was printed")
        self.calls.append(ran)
        return ran

    def call(self) -> Ran:
        """Give the command and wait for its end."""
        return self.note(self.start().end())

    def again(self) -> None:
        """Unlock if needed and give the same command until it succeeds."""
        if self.unlocks:
            unlocked = self.workflow.run("--unlock")
            if unlocked.code != 0:
                self.wrong.append("--unlock failed")
        for _ in range(MOST_CALLS):
            if self.call().code == 0:
                return
        self.wrong.append(f"the command failed {MOST_CALLS} times")

    def finished_again(self, before: int) -> list[str]:
        """Jobs that had finished in the first `before` calls and ran in a later one."""
        earlier = set().union(*(ran.finished for ran in self.calls[:before]))
        later = set().union(*(ran.started for ran in self.calls[before:]))
        return [f"{job} had finished and ran again" for job in sorted(earlier & later)]

    def judge(self, complete: bool = True, aside: frozenset[str] = frozenset()) -> list[str]:
        """What is not as it should be; empty after a fault that was survived.

        `complete`: every file of the undisturbed run stands. `aside`: files that were damaged.
        """
        wrong = list(self.wrong)
        executed = set().union(*(ran.started for ran in self.calls)) if self.calls else set()
        wrong += [f"{job} ran without need" for job in sorted(executed - self.needed)]
        wrong += differences(self.expected, contents(self.folder), complete, self.final)
        wrong += [f"{path} is half-written" for path in half_written(self.folder)]
        found = set_aside(self.folder)
        wrong += [f"{path} was not set aside" for path in sorted(aside - found)]
        wrong += [f"{path} was set aside" for path in sorted(found - aside)]
        return wrong


class Bench:
    """Undisturbed runs of the experiment, each made when it is first asked for, and copies."""

    def __init__(self, scratch: Path):
        self.scratch = scratch
        self.usual: dict[str, float] = {}
        self._count = 0
        self._changed: dict[str, tuple[dict[str, str], set[str]]] = {}
        self.empty = small(Workflow.new(scratch / "empty"))
        self.finished = self.empty.copy(scratch / "finished")
        self._run_through(self.finished, EVERY_TABLE)
        self.expected = contents(self.finished.folder)

    def _run_through(
        self, workflow: Workflow, targets: list[str], overlays: Sequence[str] = ()
    ) -> Ran:
        trial = Trial(workflow, targets, set(), {}, {}, overlays)
        call = trial.start()
        ran = call.end()
        if ran.code != 0:
            raise AssertionError(f"the undisturbed run failed:\n{ran.text}")
        for script in call.longest.values():
            longest = max(self.usual.get(script.name, 0), script.seconds)
            self.usual[script.name] = longest
        return ran

    def trial(self, targets: list[str], needed: set[str], base: Workflow | None = None) -> Trial:
        """A fresh copy of the finished experiment, or of another."""
        self._count += 1
        workflow = (base or self.finished).copy(self.scratch / f"trial{self._count}")
        return Trial(workflow, targets, needed, self.usual, self.expected)

    @cached_property
    def with_task(self) -> Workflow:
        """The finished experiment and the dense model's records of a task built from its text."""
        workflow = self.finished.copy(self.scratch / "task")
        shutil.copy2(ROOT / "tests/config" / TASK, workflow.folder)
        self._run_through(workflow, TASK_RECORDS, [TASK])
        return workflow

    def discard(self, trial: Trial) -> None:
        """Remove the folder of a trial."""
        shutil.rmtree(trial.folder)

    def changed(
        self, name: str, change: Callable[[Workflow], None]
    ) -> tuple[dict[str, str], set[str]]:
        """Contents after an undisturbed run with a change made before it, and the jobs it ran."""
        if name not in self._changed:
            workflow = self.finished.copy(self.scratch / f"changed{len(self._changed)}")
            change(workflow)
            ran = self._run_through(workflow, EVERY_TABLE)
            self._changed[name] = (contents(workflow.folder), ran.finished)
        return self._changed[name]


def small(workflow: Workflow) -> Workflow:
    """The tiny experiment with two methods at one sparsity: 24 jobs."""
    with workflow.edit_config() as config:
        methods = config["methods"]
        config["methods"] = {name: methods[name] for name in ("wanda", "m-wanda")}
        config["methods"]["wanda"]["sparsities"] = [0.5]
    return workflow


def remove(folder: Path, *patterns: str) -> None:
    """Remove the files that match, and the checksums of tables with them."""
    for pattern in patterns:
        found = [path for path in folder.glob(pattern) if path.is_file()]
        if not found:
            raise AssertionError(f"nothing to remove matches {pattern}")
        for path in found:
            path.unlink()
            origin_of(path).unlink(missing_ok=True)
