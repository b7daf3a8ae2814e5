"""Swaps over several languages: each objective falls, and no language's place decides."""

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multiprune.pruning.exchanges import exchange, layer_error
from multiprune.pruning.refinements.swaps import _soft_maximum, refine
from unit.pruning.test_exchanges import layer, wanda

OPTIONS = {"sweeps": 12, "temperature": 0.05, "relative_to": "start"}


def languages(seed: int, count: int, columns: int = 24) -> dict[str, torch.Tensor]:
    """Second moments that differ in their directions and, by a factor of ten, in their size."""
    return {
        f"l{index}": (10.0**index) * layer(seed + index, 1, columns)[2].float()
        for index in range(count)
    }


def case(seed: int, count: int = 3, group_size: int | None = None):
    weight, moments = layer(seed + 50, 16, 24)[0].float(), languages(seed, count)
    keep = wanda(weight, sum(moments.values()), 0.5, group_size)
    return weight, keep, moments


def relative(weight, keep, start, moments) -> dict[str, float]:
    """Each language's layer error as a share of the one before."""
    return {
        name: float(layer_error(weight, keep, m).sum() / layer_error(weight, start, m).sum())
        for name, m in moments.items()
    }


def test_mean_takes_all_tokens_alike():
    weight, keep, moments = case(1)
    pooled = sum(moments.values())
    found = refine(weight, keep, {"all": pooled}, None, "mean", **OPTIONS)
    assert torch.equal(found, exchange(weight, keep, pooled, 12))


def test_the_soft_maximum_by_hand():
    # T log of the mean of e^0 and e^(log 3), which is 2.
    values = torch.tensor([0.0, 0.5 * math.log(3)], dtype=torch.float64)
    assert _soft_maximum(values, 0.5) == pytest.approx(0.5 * math.log(2))


def lowest(weight, keep, moments, temperature: float) -> float:
    """The lowest objective of all masks of 3 x 8 weights that keep four in each row: 70^3 masks."""
    four = torch.tensor([[at in kept for at in range(8)] for kept in combinations(range(8), 4)])
    of_language = []
    for matrix in moments.values():
        rows = [layer_error(row.expand(len(four), 8), four, matrix) for row in weight]
        total = rows[0][:, None, None] + rows[1][None, :, None] + rows[2][None, None, :]
        of_language.append(total.flatten() / layer_error(weight, keep, matrix).sum())
    relative = torch.stack(of_language)
    if not temperature:
        return float(relative.max(0).values.min())
    return float((temperature * (relative / temperature).exp().mean(0).log()).min())


@pytest.mark.parametrize(
    ("objective", "temperature"), [("worst_language", 0), ("soft_maximum", 0.05)]
)
@pytest.mark.slow
def test_three_languages_against_all_masks(objective, temperature):
    """The lowest there is in three cases of four, and four fifths of all that can be won."""
    won, winnable, lowest_found = 0.0, 0.0, 0
    for seed in range(40):
        weight, moments = layer(seed + 50, 3, 8)[0].float(), languages(seed, 3, 8)
        keep = wanda(weight, sum(moments.values()), 0.5, None)
        found = refine(weight, keep, moments, None, objective, **OPTIONS)
        shares = torch.tensor([*relative(weight, found, keep, moments).values()])
        value, best = _soft_maximum(shares, temperature), lowest(weight, keep, moments, temperature)
        assert best - 1e-5 <= value <= 1 + 1e-6
        won, winnable = won + 1 - value, winnable + 1 - best
        lowest_found += value < best + 1e-5
    assert lowest_found >= 30
    assert won > 0.8 * winnable > 0.5


@given(st.integers(0, 300), st.sampled_from(["worst_language", "soft_maximum"]))
def test_no_objective_rises(seed, objective):
    weight, keep, moments = case(seed)
    found = refine(weight, keep, moments, None, objective, **OPTIONS)
    assert torch.equal(found.sum(1), keep.sum(1))
    assert max(relative(weight, found, keep, moments).values()) <= 1 + (
        0.05 * 1.1 if objective == "soft_maximum" else 0  # T log 3 is what its bound is above it
    )


@pytest.mark.parametrize("objective", ["worst_language", "soft_maximum"])
def test_the_worst_language_is_better_off_than_under_the_mean(objective):
    """The mean hears the language of the largest activations alone."""
    for seed in range(5):
        weight, keep, moments = case(seed)
        pooled = {"all": sum(moments.values())}
        mean = refine(weight, keep, pooled, None, "mean", **OPTIONS)
        found = refine(weight, keep, moments, None, objective, **OPTIONS)
        worst = max(relative(weight, found, keep, moments).values())
        assert worst < max(relative(weight, mean, keep, moments).values())


@pytest.mark.parametrize("objective", ["worst_language", "soft_maximum"])
def test_order_of_languages_and_their_units_do_not_matter(objective):
    weight, keep, moments = case(7)
    found = refine(weight, keep, moments, None, objective, **OPTIONS)
    backwards = dict(reversed(moments.items()))
    assert torch.equal(refine(weight, keep, backwards, None, objective, **OPTIONS), found)
    louder = moments | {"l1": 64 * moments["l1"]}
    assert torch.equal(refine(weight, keep, louder, None, objective, **OPTIONS), found)


@pytest.mark.parametrize("objective", ["worst_language", "soft_maximum"])
def test_errors_relative_to_dropping_everything(objective):
    weight, keep, moments = case(9)
    options = OPTIONS | {"relative_to": "zero"}
    found = refine(weight, keep, moments, None, objective, **options)
    nothing = torch.zeros_like(keep)
    before, after = (relative(weight, mask, nothing, moments) for mask in (keep, found))
    assert max(after.values()) < max(before.values()) < 1


@pytest.mark.parametrize("objective", ["worst_language", "soft_maximum"])
def test_a_pattern_stays(objective):
    weight, keep, moments = case(3, group_size=4)
    found = refine(weight, keep, moments, 4, objective, **OPTIONS)
    assert (found.unflatten(1, (-1, 4)).sum(2) == 2).all()
    assert not torch.equal(found, keep)


@pytest.mark.parametrize("objective", ["worst_language", "soft_maximum"])
def test_languages_without_error_have_no_say(objective):
    weight, keep, moments = case(4, count=2)
    silent = moments | {"l9": torch.zeros_like(moments["l0"])}
    found = refine(weight, keep, silent, None, objective, **OPTIONS)
    assert max(relative(weight, found, keep, moments).values()) < 0.95
    everything = torch.ones_like(keep)
    assert torch.equal(refine(weight, everything, silent, None, objective, **OPTIONS), everything)
