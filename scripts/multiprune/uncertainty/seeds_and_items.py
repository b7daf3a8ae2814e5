"""Intervals of paired differences over calibration draws (seeds) and test items.

The model. Two runs are compared on the same test items under the same seeds, so that only their
difference varies. Of one language under one task or sparsity (a cell), with seed s and item i,

    difference_si = effect + seed_s + item_i + rest_si.

Seeds and items are crossed, not nested: every seed is tested on the same items. Languages are
fixed, not a sample of languages; cells whose items are the same (a parallel task) are resampled
together, since a hard item is hard in every language. The estimate is the mean over seeds, within a
language over its cells, then over languages.

Resampling goes by level. Items are drawn with replacement, for both runs, all seeds and all methods
alike. Resamples of a handful of seeds need not be drawn: their variance is worked out exactly. As a
bootstrap of n units gives (n - 1) / n of a mean's variance, each level is scaled by n / (n - 1).
The levels of a crossed design add up to

    variance = seeds + (items - rest)

(two-way clustering: Cameron, Gelbach and Miller 2011). Percentiles of a resampled mean of three
seeds are far too narrow: in simulations with 64 windows and calibration draws that matter, a 95%
one held the truth in 76 to 93 of 100 cases. So each level has its own margin, a quantile of t times
its standard error, and the margin of the interval is the root of the sum of their squares (Howe
1974), which held it in 95 to 98. Degrees of freedom: seeds - 1, and items - 1 pooled over languages
(Satterthwaite 1946).

With one seed only the items are resampled: then nothing is said about other calibration text.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

FEWEST_ITEMS = 3
SMALLEST_P = 1e-12  # what is smaller counts as 0


@dataclass(frozen=True)
class Cell:
    """Differences of two runs in one language under one condition (a task or a sparsity).

    differences [seeds, items]; weights [items], what an item counts: a mean per weight is compared,
    so 1 each for accuracies, tokens for losses in nats. Cells with the same `items_key` have the
    same items in the same order.
    """

    language: str
    condition: str
    items_key: str
    differences: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A mean difference; by level the variance of its error and the degrees of freedom [levels]."""

    value: float
    variances: np.ndarray
    degrees: np.ndarray

    def interval(self, confidence: float) -> tuple[float, float]:
        """Interval that holds the true difference with this confidence."""
        margin = self._margin(1 - confidence)
        return self.value - margin, self.value + margin

    def p_value(self, threshold: float) -> float:
        """Two-sided: the largest 1 - confidence at which the interval still holds the threshold."""
        distance = abs(self.value - threshold)
        if distance == 0 or distance >= self._margin(SMALLEST_P):
            return 1.0 if distance == 0 else 0.0
        return optimize.brentq(lambda p: self._margin(p) - distance, SMALLEST_P, 1)

    def _margin(self, p: float) -> float:
        quantiles = stats.t.isf(p / 2, self.degrees)
        return math.sqrt(np.sum(np.square(quantiles) * self.variances))


class Resampled:
    """Cells and their resampled means, from which any mean over cells is estimated."""

    def __init__(self, cells: Sequence[Cell], draws: int):
        if not cells:
            raise ValueError("nothing to estimate: there are no cells")
        self.cells = list(cells)
        self.means = np.array([_means(cell) for cell in cells])  # [cells, seeds]
        self.drawn = np.array(
            [_drawn_means(cell, draws) for cell in cells]
        )  # [cells, draws, seeds]

    def estimate(self, chosen: Callable[[Cell], bool] = lambda cell: True) -> Estimate:
        """Mean over the chosen cells: languages weigh the same, and cells within a language."""
        indices = self._indices(chosen)
        shares = self._shares(indices)
        means = shares @ self.means[indices]  # [seeds]
        seeds = len(means)
        levels = [(float(np.var(means, ddof=1)) / seeds, seeds - 1)] if seeds > 1 else []
        variances, degrees = np.array([*levels, self._item_level(indices, shares)]).T
        return Estimate(float(means.mean()), variances, degrees)

    def seed_means(self, chosen: Callable[[Cell], bool] = lambda cell: True) -> np.ndarray:
        """The same mean under each seed [seeds]."""
        indices = self._indices(chosen)
        return self._shares(indices) @ self.means[indices]

    def with_seeds_fixed(self) -> "Resampled":
        """The mean over the seeds as one run: items vary, other seeds are not spoken of."""
        fixed = copy(self)
        fixed.means = self.means.mean(axis=1, keepdims=True)
        fixed.drawn = self.drawn.mean(axis=2, keepdims=True)
        return fixed

    def _indices(self, chosen: Callable[[Cell], bool]) -> list[int]:
        return [index for index, cell in enumerate(self.cells) if chosen(cell)]

    def _item_level(self, indices: list[int], shares: np.ndarray) -> tuple[float, float]:
        """Variance of the mean by items and its degrees of freedom, pooled over sets of items."""
        sets: dict[str, list[int]] = {}
        for position, index in enumerate(indices):
            sets.setdefault(self.cells[index].items_key, []).append(position)
        parts = []
        for positions in sets.values():
            own = [indices[position] for position in positions]
            deviations = self.drawn[own] - self.means[own][:, None]  # [cells, draws, seeds]
            items = len(self.cells[own[0]].weights)
            mean = np.tensordot(shares[positions], deviations, 1)
            parts.append((_variance_by_items(mean, items), items - 1))
        variances, degrees = np.array(parts).T
        pooled = np.sum(variances**2 / degrees)
        return variances.sum(), variances.sum() ** 2 / pooled if pooled else degrees.sum()

    def _shares(self, indices: Sequence[int]) -> np.ndarray:
        names = [self.cells[index].language for index in indices]
        return np.array([1 / (len(set(names)) * names.count(name)) for name in names])


def _means(cell: Cell) -> np.ndarray:
    return cell.differences.sum(axis=1) / cell.weights.sum()  # [seeds]


def _drawn_means(cell: Cell, draws: int) -> np.ndarray:
    counts = _resamples(cell.items_key, len(cell.weights), draws).astype(np.float32)
    return (counts @ cell.differences.T) / (counts @ cell.weights)[:, None]  # [draws, seeds]


@lru_cache(maxsize=64)
def _resamples(items_key: str, items: int, draws: int) -> np.ndarray:
    """How often each item is drawn [draws, items]; the same for whatever is compared."""
    seed = int.from_bytes(hashlib.sha256(items_key.encode()).digest()[:8], "big")
    generator = np.random.default_rng(seed)
    return generator.multinomial(items, np.full(items, 1 / items), size=draws).astype(np.uint16)


def _variance_by_items(deviations: np.ndarray, items: int) -> float:
    """Variance of the seeds' mean by items less that of rest_si; deviations [draws, seeds]."""
    seeds = deviations.shape[1]
    mean = deviations.mean(axis=1)
    variance = np.mean(np.square(mean))
    if seeds > 1:
        rest = np.square(deviations - mean[:, None]).sum(axis=1).mean() / (seeds * (seeds - 1))
        variance -= rest
    return max(float(variance), 0.0) * items / (items - 1)
