"""A verdict on each claim: estimate, interval, in how many languages it holds, and what follows.

Perplexities and costs are compared by the logarithm of their ratio and reported as a ratio,
accuracies and RankC by their difference.

A language (or a sparsity, of a claim over several) is tested on its own, two-sided, against the
claim's threshold, and must lie on the same side of it with every seed. This test takes the mean
over the seeds as given: with three seeds, no test of twenty languages that allows for other seeds
could find anything. Whether the claim survives other seeds is asked of the mean over languages, by
its interval. The p values of one claim are corrected by Holm's procedure, which holds however the
languages depend on each other. Different claims are not corrected for each other.

The words depend on the draws of calibration text: with fewer than three nobody knows what another
draw would give, so that results point somewhere and support nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from multiprune.claims import compared_methods, costs
from multiprune.claims.costs import Costs
from multiprune.claims.definitions import (
    AGAINST,
    AS_SAMPLE,
    COST,
    ENOUGH_DRAWS,
    FOR,
    LANGUAGE,
    MIXED,
    NOT_MEASURED,
    OF_LANGUAGES,
    OPEN,
    PERPLEXITY,
    SPARSITY,
    Claim,
)
from multiprune.claims.measurements import Measurements, NotMeasured
from multiprune.claims.of_languages import Finding, find
from multiprune.uncertainty import printing
from multiprune.uncertainty.accuracies import holm
from multiprune.uncertainty.seeds_and_items import Cell, Resampled

COST_RESAMPLES = 2000
SAME_RATIO = "no interval: every pair of runs gives the same ratio"


@dataclass(frozen=True)
class Units:
    """Languages or sparsities one by one: how many, which hold, and which contradict the claim."""

    count: int
    holding: tuple[str, ...] = ()
    contrary: tuple[str, ...] = ()

    @property
    def disagree(self) -> bool:
        return bool(self.holding and self.contrary)


def judge(claim: Claim, measurements: Measurements) -> dict:
    """What is said of one claim: estimate, interval, languages, verdict, reason, constants..."""
    grid = measurements.grid
    constants = {"constants": compared_methods.constants(claim, grid)}
    try:
        result = _judge(claim, measurements)
    except NotMeasured as reason:
        return constants | {"verdict": NOT_MEASURED, "reason": str(reason)}
    reasons = (result["reason"], compared_methods.switched_off(claim, grid))
    return result | constants | {
        "reason": "; ".join(filter(None, reasons)),
        "budgets": compared_methods.budgets(claim, grid),
    }  # fmt: skip


def _judge(claim: Claim, measurements: Measurements) -> dict:
    grid = measurements.grid
    if claim.kind in OF_LANGUAGES:
        return judge_finding(claim, find(claim, measurements))
    if claim.kind == COST:
        found = costs.measure(claim, measurements)
        return judge_costs(claim, found, measurements.seeds(claim), grid.confidence)
    cells = measurements.cells(claim)
    draws = measurements.seeds(claim)
    result = judge_cells(claim, cells, draws, grid.draws, grid.confidence)
    return result | {"basis": measurements.basis(claim, cells)}


def judge_cells(
    claim: Claim, cells: Sequence[Cell], draws: int, resamples: int, confidence: float
) -> dict:
    """As `judge`, from paired differences (of logarithms for a ratio).

    draws: of calibration text; resamples: of the bootstrap.
    """
    resampled = Resampled(cells, resamples)
    whole = resampled.estimate()
    interval = whole.interval(confidence)
    languages = units = _units(claim, resampled, LANGUAGE, confidence)
    if claim.each == SPARSITY or (claim.kind == PERPLEXITY and not claim.sparsity):
        sparsities = _units(claim, resampled, SPARSITY, confidence)
        if claim.each == SPARSITY or sparsities.disagree:
            units = sparsities
    by_sparsity = units is not languages
    verdict, reason = decide(claim, *interval, units, draws, by_sparsity)
    return {
        **_numbers(claim, whole.value, *interval, verdict),
        "languages": languages.count,
        "languages_hold": len(languages.holding),
        "languages_against": len(languages.contrary),
        "verdict": verdict,
        "reason": reason,
        "draws": draws,
    }


def judge_costs(claim: Claim, found: Costs, draws: int, confidence: float) -> dict:
    """As `judge`. The pairs of runs are the items; each sparsity has a side, without a test.

    Times are noisy, so sides that differ are said and decide nothing: the interval does.
    """
    value, low, high = _over_pairs(found.whole, confidence)
    side = 1 if claim.direction == "above" else -1
    sides: dict[str, list[str]] = {"for": [], "against": []}
    names = sorted(set(found.sparsities), key=float)
    for name in names:
        here = found.whole[np.array(found.sparsities) == name].mean() - claim.boundary
        sides["for" if here * side > 0 else "against"].append(name)
    units = Units(len(names), tuple(sides["for"]), tuple(sides["against"]))
    verdict, reason = decide(claim, low, high, units, draws)
    if units.disagree:
        reason = f"sparsities for: {', '.join(units.holding)}; against: {', '.join(units.contrary)}"
    point = printing.is_point(low, high)
    mask = [math.exp(number) for number in _over_pairs(found.mask, confidence)]
    compared = printing.with_interval(*mask, [1, claim.threshold])
    return {
        **_numbers(claim, value, *((math.nan, math.nan) if point else (low, high)), verdict),
        "verdict": verdict,
        "reason": "; ".join(filter(None, [reason, SAME_RATIO if point else ""])),
        "draws": draws,
        "basis": f"{len(found.whole)} pairs of runs; the mask alone, {found.by}: {compared}",
    }


def _over_pairs(ratios: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Mean of logarithms of ratios and its interval, the pairs of runs being the items."""
    cell = Cell("", "", "runs", ratios[None], np.ones(len(ratios)))
    whole = Resampled([cell], COST_RESAMPLES).estimate()
    return whole.value, *whole.interval(confidence)


def judge_finding(claim: Claim, found: Finding) -> dict:
    """As `judge`, from a finding about languages."""
    verdict, reason = decide(claim, found.low, found.high, Units(found.languages), found.draws)
    counted = (
        {}
        if found.holding is None
        else {"languages": found.languages, "languages_hold": found.holding}
    )
    return {
        **_numbers(claim, found.estimate, found.low, found.high, verdict),
        **counted,
        "verdict": verdict,
        "reason": reason or f"{found.languages} {AS_SAMPLE}",
        "draws": found.draws,
    }


def _numbers(claim: Claim, value: float, low: float, high: float, verdict: str) -> dict:
    """In the claim's unit; of an open verdict also the smallest effect that could be shown.

    That is half of the interval's width, as a factor for a ratio.
    """
    back = math.exp if claim.is_ratio else float
    smallest = {"smallest_effect": back((high - low) / 2)} if verdict in OPEN else {}
    return {"estimate": back(value), "ci_low": back(low), "ci_high": back(high), **smallest}


def decide(
    claim: Claim, low: float, high: float, units: Units, draws: int, by_sparsity: bool = False
) -> tuple[str, str]:
    """The verdict and what it rests on beside the interval; `config/claims.yaml` has the rules.

    The one place that chooses between for, against and open. low, high: unrounded; units:
    languages, or sparsities where `by_sparsity`; draws: of calibration text.
    """
    place = 0 if draws >= ENOUGH_DRAWS else 1
    threshold = claim.boundary
    beyond, against = low > threshold, high < threshold
    if claim.direction == "below":
        beyond, against = against, beyond
    if by_sparsity and units.disagree:
        sides = f"for: {', '.join(units.holding)}; against: {', '.join(units.contrary)}"
        return MIXED, f"sparsities {sides}"
    if against:
        return AGAINST[place], ""
    if not claim.each:
        return (FOR if beyond else OPEN)[place], ""
    what = "languages" if claim.each == LANGUAGE else "sparsities"
    holds = f"{len(units.holding)} of {units.count} {what} hold"
    if units.contrary:
        return AGAINST[place], f"{holds}, to the contrary: {', '.join(units.contrary)}"
    if beyond and 2 * len(units.holding) > units.count:
        return FOR[place], holds
    return OPEN[place], holds


def _units(claim: Claim, resampled: Resampled, what: str, confidence: float) -> Units:
    def name_of(cell: Cell) -> str:
        return cell.language if what == LANGUAGE else cell.condition

    threshold = claim.boundary
    names = sorted({name_of(cell) for cell in resampled.cells})
    chosen = [lambda cell, name=name: name_of(cell) == name for name in names]
    fixed = resampled.with_seeds_fixed()
    corrected = holm(np.array([fixed.estimate(own).p_value(threshold) for own in chosen]))
    sides = []
    for own, p_value in zip(chosen, corrected, strict=True):
        signs = np.unique(np.sign(resampled.seed_means(own) - threshold))
        clear = p_value < 1 - confidence and len(signs) == 1
        sides.append(signs[0] * (1 if claim.direction == "above" else -1) if clear else 0)
    holding, contrary = (
        tuple(name for name, side in zip(names, sides, strict=True) if side * sign > 0)
        for sign in (1, -1)
    )
    return Units(len(names), holding, contrary)
