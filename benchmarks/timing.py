"""How the bench measures: ratios of two sides that alternate in one process, and their bars."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Row:
    """A measured value and its bar, None where there is none; `at_least` turns the bar around."""

    measure: str
    value: float
    bar: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the bar was met, empty without one."""
        if self.bar is None:
            return ""
        met = self.value >= self.bar if self.at_least else self.value <= self.bar
        return "met" if met else "NOT MET"

    def __str__(self) -> str:
        bar = "" if self.bar is None else f"{'>=' if self.at_least else '<='} {self.bar:g}"
        return f"{self.measure:58s} {self.value:9.3f} {bar:>9s}  {self.verdict}".rstrip()


def seconds(run: Callable[[], object]) -> float:
    """Time that one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def paired_ratio(
    side: Callable[[], object], reference: Callable[[], object], rounds: int = ROUNDS
) -> float:
    """Median over rounds of time(side) / time(reference), after one warm-up of both."""
    ratios = [seconds(side) / seconds(reference) for _ in range(rounds + 1)]
    return statistics.median(ratios[1:])
