"""What a larger experiment could show, from the variances of a pilot.

A claim about perplexities, accuracies or RankC is settled where its interval does not hold the
threshold. The interval's variance has two parts (`uncertainty.seeds_and_items`): over calibration
draws it falls with their number, over test items with theirs. So a pilot of at least two draws
tells how wide the intervals of another number of draws and items would be, and, if its estimate
were the truth, how likely they are to leave the threshold out.

That a claim about every language also counts languages one by one is not considered: its chance is
an upper bound. Variances of a pilot of two or three draws are rough themselves.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from multiprune.uncertainty.seeds_and_items import Estimate


@dataclass(frozen=True)
class Design:
    """An experiment by its draws of calibration text and its test items, as times the pilot's."""

    seeds: int
    items: float

    def applied(self, pilot: Estimate) -> Estimate:
        """The estimate that the design would give, were the pilot's value the truth.

        pilot: of two or more draws.
        """
        draws = pilot.degrees[0] + 1
        seeds, items = pilot.variances
        return Estimate(
            pilot.value,
            np.array([seeds * draws / self.seeds, items / self.items]),
            np.array([self.seeds - 1, pilot.degrees[1] * self.items]),
        )


def margin(estimate: Estimate, confidence: float) -> float:
    """Half the width of the interval."""
    low, high = estimate.interval(confidence)
    return (high - low) / 2


def chance_of_settling(estimate: Estimate, threshold: float, confidence: float) -> float:
    """Probability that an interval of this width around a new estimate leaves the threshold out.

    New estimates are normal around the value of this one.
    """
    spread, half = math.sqrt(estimate.variances.sum()), margin(estimate, confidence)
    distance = estimate.value - threshold
    if spread == 0:
        return float(distance != 0)
    above = stats.norm.sf((half - distance) / spread)
    below = stats.norm.cdf((-half - distance) / spread)
    return float(above + below)
