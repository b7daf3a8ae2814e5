"""Swaps over several languages: each objective falls, and no language's place decides."""

import math

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
