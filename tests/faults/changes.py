"""A parameter or the code of a stage changes, and the run of the change does not end."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from faults.calls import Moment
from faults.experiment import EVERY_TABLE, Bench, Trial
from faults.grounds import SCRIPTS, all_masks, one_method
from faults.kills import kill, random_moment
from faults.table import Row, family
from workflow.running import Workflow


@dataclass(frozen=True)
class Change:
    """An edit of config or code, and the number of scripts that run for it."""

    name: str
    apply: Callable[[Workflow], None]
    revert: Callable[[Workflow], None]
    scripts: int


def parameter(*keys: str, old: float, new: float) -> tuple[Callable, Callable]:
    """Set a number in the config, and set it back."""

    def put(workflow: Workflow, value: float) -> None:
        with workflow.edit_config() as config:
            entry = config
            for key in keys[:-1]:
                entry = entry[key]
            entry[keys[-1]] = value

    return lambda workflow: put(workflow, new), lambda workflow: put(workflow, old)


def code(file: str, old: str, new: str) -> tuple[Callable, Callable]:
    """Replace a piece of the code, and put it back."""
    return (
        lambda workflow: workflow.replace(file, old, new),
        lambda workflow: workflow.replace(file, new, old),
    )


STRENGTH = Change(
    "strength of m-wanda",
    *parameter("methods", "m-wanda", "allocation", "strength", old=0.05, new=0.2),
    scripts=10,
)
SAMPLES = Change(
    "calibration.samples",
    *parameter("calibration", "samples", old=4, new=3),
    scripts=16,
)
SCORE = Change(
    "code of the score",
    *code(
        "scripts/multiprune/pruning/scores/wanda.py",
        "weight.abs() * norm\n",
        "weight.abs() * norm**2\n",
    ),
    scripts=12,
)
TABLE = Change(
    "code of a table",
    *code("scripts/multiprune/tables/correlation.py", "matrix[a, b])", "matrix[a, b] / 2)"),
    scripts=2,
)


def before(change: Change, who: str, back: bool = False, orphan_ends: bool = False):
    """The fault: change, start, kill, perhaps change back, and give the same command again."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        expected, needed = bench.changed(change.name, change.apply)
        trial = bench.trial(EVERY_TABLE, needed)
        change.apply(trial.workflow)
        moment = random_moment(draw, change.scripts)
        hit = kill(trial, trial.start(), moment, who, orphan_ends)
        if back:
            change.revert(trial.workflow)
        else:
            trial.expected = expected
        trial.again()
        wrong = [] if back else trial.finished_again(before=1)
        where = f"{change.name}, {moment}" + ", changed back" * back
        return Row(where, hit, trial, wrong + trial.judge(complete=not back))

    return inject


def meanwhile(change: Change, ground: Callable[..., Trial], who: str = "", back: bool = False):
    """The fault: change while the stage runs, perhaps kill, perhaps change back, run again."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        trial = ground(bench, EVERY_TABLE)
        expected, needed = bench.changed(change.name, change.apply)
        moment, call = random_moment(draw, SCRIPTS[ground]), trial.start()
        try:
            call.wait_for(moment, trial.usual)
            change.apply(trial.workflow)
            if who:
                later = Moment(moment.number, 0.99)
                hit = kill(trial, call, later, who)
            else:
                hit = f"ended with {trial.note(call.end()).code}"
        finally:
            call.kill_all()
        trial.needed = trial.needed | needed
        if back:
            change.revert(trial.workflow)
        else:
            trial.expected = expected
        trial.again()
        where = f"{change.name}, changed at {moment}" + " and back after it" * back
        return Row(where, hit, trial, trial.judge(complete=not back))

    return inject


family(
    "parameter changed",
    before(STRENGTH, "script"),
    before(STRENGTH, "both", back=True),
    before(SAMPLES, "snakemake", orphan_ends=True),
    meanwhile(STRENGTH, one_method, "both"),
)
family(
    "code changed",
    meanwhile(SCORE, all_masks, back=True),
    before(SCORE, "script"),
    before(TABLE, "both"),
    meanwhile(SCORE, all_masks, "both"),
)
