import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.errors import InputError
from multiprune.evaluation.candidate_records import check_windows
from multiprune.evaluation.choice import (
    log_perplexity,
    one_standard_error,
    ranking,
    reason,
    standard_error,
)


def losses(**languages: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array(values, float) for name, values in languages.items()}


TOKENS = losses(de=[10, 10], en=[10, 30])
BEST = losses(de=[20, 20], en=[10, 30])


def test_mean_over_languages_of_the_log_perplexity():
    # de: 40 / 20 = 2; en: 40 / 40 = 1.
    assert log_perplexity(BEST, TOKENS) == 1.5


def test_standard_error_by_hand():
    # de: d = (1, 3), D = 4/20 = 0.2, residuals (1 - 2, 3 - 2) = (-1, 1),
    #     var = 2/1 * 2 / 400 = 0.01.
    # en: d = (4, 0), D = 4/40 = 0.1, residuals (4 - 1, 0 - 3) = (3, -3),
    #     var = 2/1 * 18 / 1600 = 0.0225.
    other = losses(de=[21, 23], en=[14, 30])
    expected = math.sqrt(0.01 + 0.0225) / 2
    assert standard_error(other, BEST, TOKENS) == pytest.approx(expected, rel=1e-12)


def test_a_difference_that_is_the_same_everywhere_has_no_error():
    other = losses(de=[21, 21], en=[11, 33])  # 0.1 nats a token in each window
    assert standard_error(other, BEST, TOKENS) == pytest.approx(0, abs=1e-15)


def test_ranks_by_hand():
    near = losses(de=[21, 23], en=[14, 30])  # 0.15 above the best, error 0.0901
    noisy = losses(de=[24, 16], en=[10, 30])  # 0 above, and simpler than the best is
    ranks = ranking([("near", near), ("noisy", noisy), ("best", BEST)], TOKENS)
    assert [rank.candidate for rank in ranks] == ["noisy", "best", "near"]
    assert [rank.simplicity for rank in ranks] == [1, 2, 0]
    assert [rank.log_ratio for rank in ranks] == pytest.approx([0, 0, 0.15])
    # Against `noisy`: d of near = (-3, 7) in de, D = 0.2, residuals (-5, 5), var = 2 * 50 / 400.
    assert ranks[2].standard_error == pytest.approx(math.sqrt(0.25 + 0.0225) / 2)
    assert ranks[0].perplexity == pytest.approx(math.exp(1.5))


@pytest.mark.parametrize(
    ("shift", "taken"),
    [
        (3.6, "simple"),  # 3.6 / 20 / 2 = 0.09 above, error 0.1
        (4.4, "best"),  # 4.4 / 20 / 2 = 0.11 above, error 0.1
    ],
)
def test_the_simplest_within_one_standard_error(shift, taken):
    # de: d = shift/2 -+ 2 around, residuals (-2, 2), var = 2 * 8 / 400 = 0.04; en: none.
    simple = losses(de=[20 + shift / 2 - 2, 20 + shift / 2 + 2], en=[10, 30])
    ranks = ranking([("simple", simple), ("best", BEST)], TOKENS)
    assert ranks[1].standard_error == pytest.approx(0.1)
    chosen = one_standard_error(ranks)
    assert chosen.candidate == taken
    assert f"{2 if taken == 'simple' else 1} lie within one standard error" in reason(ranks, chosen)


def test_simplicity_decides_within_and_perplexity_does_not():
    wide = losses(de=[16, 25], en=[10, 30])  # third best, but first in order
    close = losses(de=[17, 23.5], en=[10, 30])
    ranks = ranking([("wide", wide), ("close", close), ("best", BEST)], TOKENS)
    assert [rank.candidate for rank in ranks] == ["best", "close", "wide"]
    assert all(rank.within for rank in ranks)
    assert one_standard_error(ranks).candidate == "wide"


def test_equal_candidates_count_as_one_and_the_simplest_is_taken():
    ranks = ranking([("a", BEST), ("b", BEST)], TOKENS)
    assert [(rank.candidate, rank.log_ratio, rank.standard_error) for rank in ranks] == [
        ("a", 0, 0),
        ("b", 0, 0),
    ]
    assert one_standard_error(ranks).candidate == "a"


def test_one_window_gives_no_standard_error():
    with pytest.raises(InputError, match="validation text of sw: has 1 window, at least 2 needed"):
        ranking([("a", losses(sw=[1.0]))], losses(sw=[10]))


def test_the_number_of_windows_can_be_checked_beforehand():
    with pytest.raises(InputError, match="validation text of sw: has 1 window, at least 2 needed"):
        check_windows("sw", 1)
    check_windows("sw", 2)


window = st.floats(1, 100)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(window, min_size=6, max_size=6), min_size=2, max_size=6), st.randoms())
def test_order_decides_only_among_candidates_within_one_standard_error(values, draw):
    tokens = losses(de=[16, 16, 7], en=[16, 16, 3])
    named = [(f"c{i}", losses(de=row[:3], en=row[3:])) for i, row in enumerate(values)]
    shuffled = draw.sample(named, len(named))
    one, other = ranking(named, tokens), ranking(shuffled, tokens)
    assert [rank.log_ratio for rank in one] == pytest.approx([rank.log_ratio for rank in other])
    if len({rank.log_ratio for rank in one}) == len(one):  # the best is then the same
        assert [r.candidate for r in one] == [r.candidate for r in other]
        within = {rank.candidate for rank in one if rank.within}
        assert within == {rank.candidate for rank in other if rank.within}
        for ranks, order in ((one, named), (other, shuffled)):
            first = next(name for name, _ in order if name in within)
            assert one_standard_error(ranks).candidate == first


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_error_is_that_of_repeated_draws(seed):
    """Windows of equal length: the formula is the usual standard error of a mean."""
    draw = np.random.default_rng(seed)
    reference, other = draw.normal(30, 5, 12), draw.normal(30, 5, 12)
    tokens = losses(de=[10] * 12)
    found = standard_error(losses(de=other), losses(de=reference), tokens)
    usual = np.std((other - reference) / 10, ddof=1) / math.sqrt(12)
    assert found == pytest.approx(usual)
