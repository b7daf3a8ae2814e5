"""SIGKILL for Snakemake, for a script that runs, or for both; a terminal that is closed."""

import random
from collections.abc import Callable

from faults.calls import Call, Missed, Moment
from faults.experiment import Bench, Trial
from faults.grounds import SCRIPTS, all_masks, everything_from_nothing, from_nothing, one_method
from faults.table import Row, family

KILLED = -9


def kill(trial: Trial, call: Call, moment: Moment, who: str, orphan_ends: bool = False) -> str:
    """Kill `who` at a moment, end what is left, and say what was hit."""
    try:
        call.wait_for(moment, trial.usual)
        if who == "script":
            hit = call.kill_script()
            if trial.note(call.end()).code == 0:
                raise Missed(f"{hit} had ended")
            return f"{hit} killed"
        if who == "terminal":
            call.hang_up()
            if trial.note(call.end()).code == 0:
                raise Missed("Snakemake had ended")
            return "hung up"  # and nothing has to be unlocked
        running = ", ".join(script.name for script in call.scripts()) or "no script"
        if who == "both":
            call.kill_all()
        else:
            call.kill_snakemake()
        if orphan_ends:
            call.outlast()
    finally:
        call.kill_all()
    ran = trial.note(call.end())
    trial.unlocks = True
    if ran.code != KILLED:
        raise Missed("Snakemake had ended")
    return f"killed with {running}" + (", which ended by itself" * orphan_ends)


def random_moment(draw: random.Random, scripts: int) -> Moment:
    """A moment in a command that runs so many scripts."""
    return Moment(draw.randint(1, scripts), round(draw.uniform(0.05, 0.95), 2))


def killing(who: str, ground: Callable[[Bench], Trial], orphan_ends: bool = False):
    """The fault: kill, unlock, and give the same command again."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        trial = ground(bench)
        moment = random_moment(draw, SCRIPTS[ground])
        hit = kill(trial, trial.start(), moment, who, orphan_ends)
        trial.again()
        wrong = trial.finished_again(before=1)
        complete = ground is not from_nothing
        return Row(f"{ground.__name__}, {moment}", hit, trial, wrong + trial.judge(complete))

    return inject


family(
    "Snakemake killed",
    killing("snakemake", one_method),
    killing("snakemake", one_method, orphan_ends=True),
    killing("snakemake", from_nothing),
)
family(
    "script killed",
    killing("script", from_nothing),
    killing("script", one_method),
    killing("script", all_masks),
)
family(
    "terminal closed",
    killing("terminal", one_method),
    killing("terminal", from_nothing),
)
family(
    "both killed",
    killing("both", all_masks),
    killing("both", everything_from_nothing),
)
