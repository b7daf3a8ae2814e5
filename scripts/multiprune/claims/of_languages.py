"""Claims about languages as a sample: another hundred languages would give other numbers.

Where a language counts as one item, and random subsets of calibration languages as draws.
"""

import hashlib
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import stats

from multiprune.claims.definitions import FAMILIES, LANGUAGE_RATIO, WEAKNESS, Claim
from multiprune.claims.measurements import Measurements, NotMeasured
from multiprune.experiment.grid import DENSE
from multiprune.statistics.structure import ALL
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS, Cell, Resampled


@dataclass(frozen=True)
class Finding:
    """An estimate with its interval; of ratios the logarithms. `holding` None: not a count.

    draws: of calibration text or of calibration languages.
    """

    estimate: float
    low: float
    high: float
    languages: int
    draws: int
    holding: int | None = None


def find(claim: Claim, measurements: Measurements) -> Finding:
    """What was measured for a claim about languages; raises NotMeasured."""
    measure: dict[str, Callable[[Claim, Measurements], Finding]] = {
        LANGUAGE_RATIO: _ratio,
        WEAKNESS: _weakness,
        FAMILIES: _families,
    }
    return measure[claim.kind](claim, measurements)


def _ratio(claim: Claim, measurements: Measurements) -> Finding:
    """Geometric mean over languages and draws of perplexity / perplexity."""
    grid = measurements.grid
    names = _enough(measurements.in_scope(claim, grid.evaluated))
    ratios = _log_ratios(claim, measurements, names)
    cell = Cell("", "", f"languages {' '.join(names)}", ratios, np.ones(len(names)))
    whole = Resampled([cell], grid.draws).estimate()
    sides = np.sign(ratios.mean(axis=0) - math.log(claim.threshold))
    holding = int((sides == (1 if claim.direction == "above" else -1)).sum())
    low, high = whole.interval(grid.confidence)
    return Finding(whole.value, low, high, len(names), len(ratios), holding)


def _weakness(claim: Claim, measurements: Measurements) -> Finding:
    """Spearman's correlation of the dense model's bits per byte with the logarithm of the ratio.

    The interval is a bootstrap over languages (BCa, Efron 1987). Where that cannot be worked out,
    as of languages that all agree, it is made of percentiles.
    """
    grid = measurements.grid
    names = _enough(measurements.in_scope(claim, grid.evaluated))
    dense = (DENSE, "0", grid.methods[DENSE]["seeds"][0])
    weakness = [measurements.perplexity.record(*dense, name).bits_per_byte for name in names]
    by_pair = _log_ratios(claim, measurements, names)
    ratios = by_pair.mean(axis=0)
    estimate = _rank_correlation(weakness, ratios)
    if math.isnan(estimate):
        raise NotMeasured("the languages do not differ, so that nothing correlates")
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            (np.array(weakness), ratios),
            _rank_correlation,
            paired=True,
            vectorized=False,
            n_resamples=grid.draws,
            confidence_level=grid.confidence,
            rng=_generator(claim.key),
        )
    low, high = result.confidence_interval
    if math.isnan(low + high):
        low, high = _percentiles(result.bootstrap_distribution, grid.confidence)
    return Finding(estimate, float(low), float(high), len(names), len(by_pair))


def _rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's correlation, nan where one side is constant."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(stats.spearmanr(x, y).statistic)


def _percentiles(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """What holds the middle share of the resampled values; those that are nan are left out."""
    low, high = np.nanquantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _families(claim: Claim, measurements: Measurements) -> Finding:
    """Mean correlation of two languages of one family less that of two families, over all blocks.

    The interval are percentiles of a bootstrap over languages, of which a pair counts as often as
    both are drawn; no language is paired with itself. Draws without a pair of either kind are left
    out.
    """
    grid = measurements.grid
    table = measurements.structure
    if table is None:
        raise NotMeasured("the table structure is not made; name language_structure in figures")
    table = table[table["depth"] == ALL]
    pairs = table.groupby(["language_a", "language_b"])["correlation"].mean()
    family = {
        name: grid.languages.get(name, {}).get("family") for pair in pairs.index for name in pair
    }
    names = _enough(sorted(name for name in family if family[name]))
    place = {name: index for index, name in enumerate(names)}
    alike = np.zeros((len(names), len(names)))
    for (a, b), value in pairs.items():
        if a in place and b in place:
            alike[place[a], place[b]] = alike[place[b], place[a]] = value
    kin = np.array([[family[a] == family[b] for b in names] for a in names])
    other = ~np.eye(len(names), dtype=bool)
    masks = [(kin & other).astype(float), (~kin).astype(float)]
    if not all(mask.any() for mask in masks):
        raise NotMeasured("it needs two families, one of them with two languages")

    def difference(counts: np.ndarray) -> float:
        pairs = [counts @ mask @ counts for mask in masks]
        if not all(pairs):
            return math.nan
        within, between = (
            counts @ (alike * mask) @ counts / count
            for mask, count in zip(masks, pairs, strict=True)
        )
        return within - between

    generator = _generator(claim.key)
    shares = np.full(len(names), 1 / len(names))
    counts = generator.multinomial(len(names), shares, size=grid.draws).astype(float)
    low, high = _percentiles([difference(row) for row in counts], grid.confidence)
    draws = table["seed"].nunique()
    return Finding(difference(np.ones(len(names))), low, high, len(names), draws)


def _log_ratios(claim: Claim, measurements: Measurements, names: list[str]) -> np.ndarray:
    """Logarithm of perplexity / perplexity, of each pair of runs and language. [pairs, names]."""
    sides = [list(claim.methods), list(claim.references)]
    if len(sides[0]) == len(sides[1]):
        pairs = list(zip(*sides, strict=True))
    else:
        pairs = list(product(*sides))
    rows, runs = [], measurements.perplexity
    for method, reference in pairs:
        drawn = replace(claim, methods=(method,), references=(reference,))
        for mine, other in measurements.pairs(drawn):
            sides = [
                [runs.record(*run, name).log_perplexity for name in names] for run in (mine, other)
            ]
            rows.append(np.subtract(*sides))
    return np.array(rows)


def _enough(names: list[str]) -> list[str]:
    if len(names) < FEWEST_ITEMS:
        raise NotMeasured(f"fewer than three languages: {', '.join(names) or 'none'}")
    return names


def _generator(key: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))
