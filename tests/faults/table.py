"""The kinds of faults, and the table of what came of them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from faults.experiment import Bench, Trial

Fault = Callable[[Bench, random.Random], "Row"]
FAMILIES: dict[str, tuple[Fault, ...]] = {}
GREEN = "green"
WIDTHS = {"number": 3, "fault": 20, "where": 44, "happened": 36, "calls": 5, "jobs": 4}


@dataclass(frozen=True)
class Row:
    """One fault: where it hit, what happened, the trial, and what was not as it should be."""

    where: str
    happened: str
    trial: Trial
    wrong: list[str]

    def entry(self, number: int, name: str, seconds: float) -> dict:
        """The row as it is printed; `jobs` are those of all calls after the first."""
        return {
            "number": number,
            "fault": name,
            "where": self.where,
            "happened": self.happened,
            "calls": len(self.trial.calls),
            "jobs": sum(len(ran.started) for ran in self.trial.calls[1:]),
            "seconds": round(seconds, 1),
            "verdict": "; ".join(self.wrong) or GREEN,
        }


def family(name: str, *faults: Fault) -> None:
    """Register the faults of one family, the first of which stands in the shortest form."""
    FAMILIES[name] = faults


def heading() -> str:
    """The first line of the table."""
    return line({name: name for name in (*WIDTHS, "verdict")})


def line(entry: dict) -> str:
    """An entry as a line of the table."""
    cells = [f"{entry[name]!s:<{width}}" for name, width in WIDTHS.items()]
    return "  ".join([*cells, entry["verdict"]])
