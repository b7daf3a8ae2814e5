"""Two languages, three channels: n^a = (1, 2, 3) over 4 tokens, n^b = (3, 2, 0) over 1 token."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.pruning.norms.contrast import FLOOR
from multiprune.registry import find, names
from multiprune.statistics.correlation import (
    language_correlation,
    summed_correlation,
    summed_score_correlation,
)
from multiprune.statistics.files import InputStatistics, LanguageStatistics

pooled, cross_lingual, contrast, worst_language = (
    find("pruning.norms", name).norm
    for name in ("pooled", "cross_lingual", "contrast", "worst_language")
)

NAMES = "abcdefgh"


def in_memory(tokens, sum_sq, active, feeds_down_projection=False):
    rows = [*map(LanguageStatistics, NAMES, tokens, np.asarray(sum_sq), np.asarray(active))]
    return InputStatistics(lambda: iter(rows), feeds_down_projection)


TOKENS = np.array([4.0, 1.0])
SUM_SQ = np.array([[4.0, 16.0, 36.0], [9.0, 4.0, 0.0]])
ACTIVE = np.array([[4.0, 2.0, 0.0], [0.0, 1.0, 1.0]])
UP = in_memory(TOKENS, SUM_SQ, ACTIVE)
DOWN = in_memory(TOKENS, SUM_SQ, ACTIVE, feeds_down_projection=True)

POOLED = [math.sqrt(13 / 5), 2.0, math.sqrt(36 / 5)]  # (4+9)/5, (16+4)/5, 36/5
LEVEL = sum(POOLED) / 3
EQUAL = [math.sqrt(5), 2.0, math.sqrt(4.5)]  # means of (1, 9), (4, 4), (9, 0)


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_pooled_counts_every_token_alike():
    same(pooled(UP), POOLED)
    same(pooled(UP, weighting="tokens"), POOLED)


def test_pooled_equal_counts_every_language_alike():
    same(pooled(UP, weighting="equal"), EQUAL)


def test_cross_lingual_adds_the_standard_deviation():
    # Of (1, 3), (2, 2), (3, 0) over the population of two: 1, 0, 1.5.
    expected = [POOLED[0] + 0.25, 2.0, POOLED[2] + 0.375]
    same(cross_lingual(UP), expected)
    same(cross_lingual(UP, dispersion="std", dispersion_weight=0.25), expected)


def test_cross_lingual_adds_the_variance():
    # Variances 1, 0, 2.25, in units of the mean norm.
    expected = [POOLED[0] + 0.5 / LEVEL, 2.0, POOLED[2] + 1.125 / LEVEL]
    same(cross_lingual(UP, dispersion="variance", dispersion_weight=0.5), expected)


@pytest.mark.parametrize("scale", [0.01, 100.0])
@pytest.mark.parametrize("dispersion", ["std", "variance"])
@pytest.mark.parametrize("activation_on", ["norm", "dispersion", "added"])
def test_a_louder_input_is_the_same_input(scale, dispersion, activation_on):
    options = {"dispersion": dispersion, "activation_on": activation_on, "activation_weight": 2.0}
    louder = in_memory(TOKENS, SUM_SQ * scale**2, ACTIVE)
    same(cross_lingual(louder, **options), cross_lingual(UP, **options) * scale)


def test_the_spread_of_means():
    # Sums of x: means (1, -2, 0) and (3, 2, 0), their deviations from (2, 0, 0): 1, 2, 0.
    sums = [np.array([4.0, -8.0, 0.0]), np.array([3.0, 2.0, 0.0])]
    rows = [
        LanguageStatistics(*row) for row in zip("ab", TOKENS, SUM_SQ, ACTIVE, sums, strict=True)
    ]
    statistics = InputStatistics(lambda: iter(rows))
    expected = [POOLED[0] + 0.25, 2.5, POOLED[2]]
    same(cross_lingual(statistics, of="mean"), expected)
    same(cross_lingual(statistics, of="mean_abs"), expected)  # whatever sum was read


def test_cross_lingual_takes_the_weighting():
    expected = [EQUAL[0] + 1.0, 2.0, EQUAL[2] + 1.5]
    same(cross_lingual(UP, weighting="equal", dispersion_weight=1.0), expected)


def test_activation_probability_multiplies():
    # Probabilities (1, 0), (1/2, 1), (0, 1): means 1/2, 3/4, 1/2; factors 1 + 2p = 2, 2.5, 2.
    expected = [2 * POOLED[0], 5.0, 2 * POOLED[2]]
    same(cross_lingual(UP, dispersion_weight=0.0, activation_weight=2.0), expected)


def test_both_terms_together():
    expected = [2 * (POOLED[0] + 0.25), 5.0, 2 * (POOLED[2] + 0.375)]
    same(cross_lingual(UP, dispersion_weight=0.25, activation_weight=2.0), expected)


def test_activity_of_the_spread_alone():
    # n + 1/4 (1, 0, 3/2) times (2, 5/2, 2).
    expected = [POOLED[0] + 0.5, 2.0, POOLED[2] + 0.75]
    same(cross_lingual(UP, activation_weight=2.0, activation_on="dispersion"), expected)


def test_activity_that_is_added():
    # n + 1/4 (1, 0, 3/2) + 2 (1/2, 3/4, 1/2) in units of the mean norm.
    expected = [POOLED[0] + 0.25 + LEVEL, 2.0 + 1.5 * LEVEL, POOLED[2] + 0.375 + LEVEL]
    same(cross_lingual(UP, activation_weight=2.0, activation_on="added"), expected)


def test_activation_only_at_the_down_projection():
    options = {"dispersion_weight": 0.0, "activation_weight": 2.0, "activation_modules": "down"}
    same(cross_lingual(UP, **options), POOLED)
    same(cross_lingual(DOWN, **options), [2 * POOLED[0], 5.0, 2 * POOLED[2]])


# The contrast set has m = (2, 1, 0) over 2 tokens, mean 1.
CODE = in_memory(np.array([2.0]), np.array([[8.0, 2.0, 0.0]]), np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("none", [3, 2, 3]),  # of (1, 2, 3) and (3, 2, 0)
        ("mean", [9 / 5, 6 / 5, 3 / 2]),  # means 2 and 5/3: (1/2, 1, 3/2) and (9/5, 6/5, 0)
        ("min_max", [1, 2 / 3, 1]),  # (0, 1/2, 1) and (1, 2/3, 0)
    ],
)
def test_worst_language_takes_the_largest_norm(scale, expected):
    same(worst_language(UP, scale=scale), expected)


@pytest.mark.parametrize("scale", ["none", "mean", "min_max"])
def test_worst_language_without_activations(scale):
    silent = in_memory(TOKENS, [SUM_SQ[0], np.zeros(3)], ACTIVE)
    alone = in_memory(TOKENS[:1], SUM_SQ[:1], ACTIVE[:1])
    same(worst_language(silent, scale=scale), worst_language(alone, scale=scale))
    nothing = in_memory(TOKENS, np.zeros((2, 3)), ACTIVE)
    same(worst_language(nothing, scale=scale), [0, 0, 0])


def test_contrast_divides_the_square_by_the_norm_of_the_contrast_set():
    # 13/5 / 2, 4 / 1, and 36/5 over the floor of a millionth of the mean.
    same(contrast(UP, CODE), [1.3, 4.0, 7.2e6])
    # 5 / 2, 4 / 1, 4.5 over the floor.
    same(contrast(UP, CODE, weighting="equal"), [2.5, 4.0, 4.5e6])


def test_contrast_has_a_numerator_and_a_denominator():
    # 4 / 1.61, 1 / 2, 0 / 2.68: a channel that the method's sets do not use counts for nothing.
    same(contrast(CODE, UP), [4 / math.sqrt(13 / 5), 0.5, 0.0])


def test_contrast_with_channels_that_nobody_uses():
    silent = in_memory(np.array([2.0]), np.zeros((1, 3)), np.zeros((1, 3)))
    same(contrast(silent, CODE), [0, 0, 0])
    same(contrast(UP, silent), np.square(POOLED))  # nothing to contrast with
    same(contrast(silent, silent), [0, 0, 0])


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(0, 1e8)] * 2), min_size=1, max_size=6), st.floats(0.001, 1000)
)
def test_contrast_is_finite_and_its_order_does_not_depend_on_scales(pairs, scale):
    own, other = np.array(pairs).T[:, None]
    ones = np.array([1.0])
    found = contrast(in_memory(ones, own, own), in_memory(ones, other, other))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found[own[0] == 0].sum() == 0
    if other.mean() > 1e-3:
        louder = in_memory(ones, other * scale**2, other)
        same(contrast(in_memory(ones, own, own), louder), found / scale)
        m = np.maximum(np.sqrt(other[0]), FLOOR * np.sqrt(other[0]).mean())
        same(found, own[0] / m)


@given(st.integers(0, 999), st.integers(2, 5), st.integers(1, 4), st.integers(2, 6))
@settings(deadline=None)
def test_scores_correlate_as_if_each_were_computed(seed, languages, rows, channels):
    draw = np.random.default_rng(seed)
    weight = draw.normal(size=(rows, channels))
    squares = draw.random((languages, channels)) + 0.01
    statistics = in_memory(np.ones(languages), squares, squares)
    scores = [(np.abs(weight) * language.norm).ravel() for language in statistics]
    pairs = np.corrcoef(scores)[np.triu_indices(languages, 1)]
    columns = np.abs(weight).mean(axis=0), np.square(weight).mean(axis=0)
    total, count = summed_score_correlation(statistics, *columns)
    assert count == len(pairs)
    assert total == pytest.approx(pairs.sum(), abs=1e-6)


def test_scores_that_are_all_alike_have_no_correlation():
    even = in_memory(np.ones(2), np.ones((2, 3)), np.ones((2, 3)))
    assert summed_score_correlation(even, np.ones(3), np.ones(3)) == (0.0, 0)


def test_correlation_of_two_languages():
    # Deviations (-1, 0, 1) and (4, 1, -5) / 3: -9 / sqrt(2 * 42).
    r = -9 / math.sqrt(84)
    same(language_correlation(UP), [[1, r], [r, 1]])


def test_correlation_ignores_scale_and_tokens():
    louder = in_memory(np.array([8.0, 3.0]), SUM_SQ * [[2.0], [75.0]], ACTIVE)
    same(language_correlation(louder), language_correlation(UP))


def test_summed_correlation_adds_up_the_pairs():
    sums = np.random.default_rng(0).random((4, 9))
    sums[2] = 5.0  # constant: correlates with nobody
    four = in_memory(np.arange(1.0, 5), sums, np.zeros((4, 9)))
    matrix = language_correlation(four)[np.triu_indices(4, k=1)]
    total, pairs = summed_correlation(four)
    assert pairs == np.isfinite(matrix).sum() == 3
    assert total == pytest.approx(np.nansum(matrix))
    assert summed_correlation(in_memory([1.0], sums[:1], sums[:1])) == (pytest.approx(0), 0)


def test_shares_weigh_the_languages_and_one_that_is_not_named_counts_once():
    same(pooled(UP, weighting="shares", shares={}), EQUAL)
    # (3 * 1 + 9) / 4, 4, (3 * 9 + 0) / 4
    same(pooled(UP, weighting="shares", shares={"a": 3.0}), np.sqrt([3, 4, 6.75]))
    norm = cross_lingual(UP, "shares", {"a": 4.0, "b": 1.0}, dispersion_weight=0.0)
    same(norm, POOLED)  # the shares are the tokens


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
    st.integers(1, 1000),
    st.integers(2, 4),
)
def test_languages_that_are_alike_leave_only_the_pooled_norm(sum_sq, tokens, languages):
    alike = in_memory(
        np.full(languages, float(tokens)),
        np.tile(sum_sq, (languages, 1)),
        np.zeros((languages, len(sum_sq))),
    )
    expected = np.sqrt(np.array(sum_sq) / tokens)
    for weighting in ("tokens", "equal"):
        found = cross_lingual(alike, weighting=weighting, dispersion_weight=5.0)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", names("pruning.norms"))
def test_the_order_of_languages_does_not_matter(name):
    turned = in_memory(TOKENS[::-1], SUM_SQ[::-1], ACTIVE[::-1])
    other = {"against": CODE} if name == "contrast" else {}
    same(
        find("pruning.norms", name).norm(turned, **other),
        find("pruning.norms", name).norm(UP, **other),
    )
