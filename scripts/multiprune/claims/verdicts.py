"""A verdict on each claim: estimate, interval, in how many languages it holds, and what follows.

Perplexities and costs are compared by the logarithm of their ratio and reported as a ratio,
accuracies and RankC by their difference.

A language (or a sparsity, where the claim speaks of each) is tested on its own, two-sided, against
the claim's threshold, and must lie on the same side of it with every seed. This test takes the mean
over the seeds as given: with three seeds, no test of twenty languages that allows for other seeds
could find anything. Whether the claim survives other seeds is asked of the mean over languages, by
its interval. The p values of one claim are corrected by Holm's procedure, which holds however the
languages depend on each other. Different claims are not corrected for each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from multiprune.claims.definitions import (
    AS_SAMPLE,
    COST,
    INCONCLUSIVE,
    LANGUAGE,
    NOT_MEASURED,
    NOT_SUPPORTED,
    OF_LANGUAGES,
    ONE_SEED,
    SPARSITY,
    SUPPORTED,
    Claim,
)
from multiprune.claims.measurements import Measurements, NotMeasured
from multiprune.claims.of_languages import Finding, find
from multiprune.uncertainty.accuracies import holm
from multiprune.uncertainty.seeds_and_items import Cell, Resampled


@dataclass(frozen=True)
class Units:
    """Languages or sparsities tested one by one: how many hold, and which contradict the claim."""

    count: int
    holding: int
    contrary: tuple[str, ...]


def judge(claim: Claim, measurements: Measurements) -> dict:
    """estimate, interval, languages, verdict and reason of one claim."""
    grid = measurements.grid
    try:
        if claim.kind in OF_LANGUAGES:
            return judge_finding(claim, find(claim, measurements))
        cells = measurements.cells(claim)
        seeds = measurements.seeds(claim)
    except NotMeasured as reason:
        return {"verdict": NOT_MEASURED, "reason": str(reason)}
    result = judge_cells(claim, cells, grid.draws, grid.confidence)
    if seeds == 1 and claim.kind != COST:
        result["reason"] = "; ".join(filter(None, [result["reason"], ONE_SEED]))
    return result


def judge_cells(claim: Claim, cells: Sequence[Cell], draws: int, confidence: float) -> dict:
    """As `judge`, from paired differences (of logarithms for a ratio)."""
    resampled = Resampled(cells, draws)
    whole = resampled.estimate()
    low, high = whole.interval(confidence)
    back = math.exp if claim.is_ratio else float
    languages = _units(claim, resampled, LANGUAGE, confidence)
    units = _units(claim, resampled, SPARSITY, confidence) if claim.each == SPARSITY else languages
    verdict, reason = decide(claim, low, high, units)
    counts = {"languages": languages.count, "languages_hold": languages.holding}
    return {
        "estimate": back(whole.value),
        "ci_low": back(low),
        "ci_high": back(high),
        **({} if claim.kind == COST else counts),
        "verdict": verdict,
        "reason": reason,
    }


def judge_finding(claim: Claim, found: Finding) -> dict:
    """As `judge`, from a finding about languages."""
    back = math.exp if claim.is_ratio else float
    verdict, reason = decide(claim, found.low, found.high, Units(found.languages, 0, ()))
    counted = (
        {}
        if found.holding is None
        else {"languages": found.languages, "languages_hold": found.holding}
    )
    return {
        "estimate": back(found.estimate),
        "ci_low": back(found.low),
        "ci_high": back(found.high),
        **counted,
        "verdict": verdict,
        "reason": reason or f"{found.languages} {AS_SAMPLE}",
    }


def decide(claim: Claim, low: float, high: float, units: Units) -> tuple[str, str]:
    """The verdict and what it rests on beside the interval; `config/claims.yaml` has the rules."""
    threshold = _threshold(claim)
    beyond, against = low > threshold, high < threshold
    if claim.direction == "below":
        beyond, against = against, beyond
    if against:
        return NOT_SUPPORTED, ""
    if not claim.each:
        return (SUPPORTED if beyond else INCONCLUSIVE), ""
    what = "languages" if claim.each == LANGUAGE else "sparsities"
    holds = f"{units.holding} of {units.count} {what} hold"
    if units.contrary:
        return NOT_SUPPORTED, f"{holds}, to the contrary: {', '.join(units.contrary)}"
    if beyond and 2 * units.holding > units.count:
        return SUPPORTED, holds
    return INCONCLUSIVE, holds


def _threshold(claim: Claim) -> float:
    return math.log(claim.threshold) if claim.is_ratio else claim.threshold


def _units(claim: Claim, resampled: Resampled, what: str, confidence: float) -> Units:
    def name_of(cell: Cell) -> str:
        return cell.language if what == LANGUAGE else cell.condition

    threshold = _threshold(claim)
    names = sorted({name_of(cell) for cell in resampled.cells})
    chosen = [lambda cell, name=name: name_of(cell) == name for name in names]
    fixed = resampled.with_seeds_fixed()
    corrected = holm(np.array([fixed.estimate(own).p_value(threshold) for own in chosen]))
    sides = []
    for own, p_value in zip(chosen, corrected, strict=True):
        signs = np.unique(np.sign(resampled.seed_means(own) - threshold))
        clear = p_value < 1 - confidence and len(signs) == 1
        sides.append(signs[0] * (1 if claim.direction == "above" else -1) if clear else 0)
    contrary = tuple(name for name, side in zip(names, sides, strict=True) if side < 0)
    return Units(len(names), sum(side > 0 for side in sides), contrary)
