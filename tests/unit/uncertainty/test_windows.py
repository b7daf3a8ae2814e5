"""Intervals of perplexity ratios: exact cases, shared resamples, coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from multiprune.uncertainty.windows import log_ratio, ratio_interval, resampled_log_ratios

TOKENS = np.array([10.0, 10.0, 20.0, 5.0])
LOSSES = np.array([30.0, 25.0, 70.0, 12.0])
REFERENCE = np.array([20.0, 24.0, 50.0, 11.0])


def test_log_ratio_weights_windows_by_tokens():
    assert log_ratio(LOSSES, REFERENCE, TOKENS) == pytest.approx((10 + 1 + 20 + 1) / 45)


def test_identical_losses_give_exactly_one():
    distribution = resampled_log_ratios(LOSSES, LOSSES, TOKENS, "en", 200)
    assert ratio_interval([distribution], 0.95) == (1.0, 1.0)


def test_constant_difference_per_token_gives_a_point():
    distribution = resampled_log_ratios(REFERENCE + 0.1 * TOKENS, REFERENCE, TOKENS, "en", 200)
    assert ratio_interval([distribution], 0.95) == pytest.approx((math.exp(0.1),) * 2)


def test_two_windows_have_no_interval():
    assert resampled_log_ratios(LOSSES[:2], REFERENCE[:2], TOKENS[:2], "en", 50) is None
    assert all(map(math.isnan, ratio_interval([None, np.zeros(50)], 0.95)))
    assert all(map(math.isnan, ratio_interval([], 0.95)))


def test_resamples_depend_on_the_language_alone():
    first = resampled_log_ratios(LOSSES, REFERENCE, TOKENS, "en", 100)
    doubled = resampled_log_ratios(2 * LOSSES, 2 * REFERENCE, TOKENS, "en", 100)
    np.testing.assert_allclose(doubled, 2 * first)
    assert not np.allclose(first, resampled_log_ratios(LOSSES, REFERENCE, TOKENS, "sw", 100))


def test_interval_of_one_language_is_scipys_percentile_interval():
    distribution = resampled_log_ratios(LOSSES, REFERENCE, TOKENS, "en", 500)
    expected = np.exp(stats.quantile(distribution, [0.05, 0.95]))
    assert ratio_interval([distribution], 0.9) == pytest.approx(tuple(expected))


def test_geometric_mean_averages_draw_by_draw():
    up = np.array([0.1, 0.2, 0.3])
    assert ratio_interval([up, -up], 0.95) == (1.0, 1.0)
    low, high = ratio_interval([up, np.zeros(3)], 0.5)
    assert (low, high) == pytest.approx((math.exp(0.075), math.exp(0.125)))


def test_interval_covers_the_true_ratio():
    """Two languages of 40 windows, 300 experiments: about 95 percent contain the truth."""
    rng = np.random.default_rng(3)
    tokens, truth, hits = np.full(40, 128.0), 0.05, 0
    for _ in range(300):
        distributions = []
        for language in ("en", "sw"):
            shared = rng.normal(3, 1, 40)  # hard and easy windows, the same for both runs
            difference = rng.normal(truth, 0.1, 40)
            pair = ((shared + difference) * tokens, shared * tokens)
            distributions.append(resampled_log_ratios(*pair, tokens, language, 300))
        low, high = ratio_interval(distributions, 0.95)
        hits += low <= math.exp(truth) <= high
    assert 0.90 <= hits / 300 <= 0.98
