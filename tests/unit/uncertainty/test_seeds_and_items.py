"""Intervals over seeds and items: exact cases by hand, shared resamples, coverage by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from multiprune.uncertainty.seeds_and_items import Cell, Resampled

DRAWS = 400


def cell_of(differences, language="en", condition="0.5", key=None, weights=None) -> Cell:
    differences = np.atleast_2d(np.array(differences, float))
    weights = np.ones(differences.shape[1]) if weights is None else np.array(weights, float)
    return Cell(language, condition, key or f"windows {language}", differences, weights)


def simulated(rng, seeds, items, languages, effect, by_seed=0.01, by_item=0.08, rest=0.05):
    """Cells of a crossed design; `by_seed` is shared by the languages, as a calibration draw is."""
    drawn = rng.normal(0, by_seed, (seeds, 1))
    tokens = np.full(items, 128.0)
    tokens[-1] = 60  # the last window is shorter
    return [
        cell_of(
            tokens
            * (
                effect
                + drawn
                + rng.normal(0, by_item, (1, items))
                + rng.normal(0, rest, (seeds, items))
            ),
            f"l{number}",
            weights=tokens,
        )
        for number in range(languages)
    ]


def covered(seeds, items, languages, noise, data_sets=500) -> float:
    """Share of 95% intervals that hold the true effect."""
    rng, hits = np.random.default_rng(7), 0
    for _ in range(data_sets):
        cells = simulated(rng, seeds, items, languages, 0.05, **noise)
        low, high = Resampled(cells, DRAWS).estimate().interval(0.95)
        hits += low <= 0.05 <= high
    return hits / data_sets


@pytest.mark.parametrize(
    ("seeds", "items", "languages", "noise"),
    [
        (3, 64, 8, {}),  # much like the papers' grid
        (3, 64, 8, {"by_seed": 0.02, "rest": 0.0}),  # seeds differ, items hardly matter
        (3, 64, 8, {"by_seed": 0.0, "by_item": 0.0}),  # neither has an effect of its own
        (5, 40, 4, {}),
        (1, 12, 8, {"by_seed": 0.0}),  # much like the demo
        (1, 5, 1, {"by_seed": 0.0}),  # one row of a table, of few windows
    ],
    ids=["paper", "seeds", "rest", "five seeds", "one seed", "few windows"],
)
def test_95_percent_intervals_cover_in_92_to_98_percent(seeds, items, languages, noise):
    assert 0.92 <= covered(seeds, items, languages, noise) <= 0.98


def test_percentiles_of_three_seeds_would_not_cover():
    """Why the interval is not a percentile one: hierarchical resampling, seeds then items."""
    rng, hits, data_sets = np.random.default_rng(7), 0, 150
    for _ in range(data_sets):
        cells = simulated(rng, 3, 64, 8, 0.05, by_seed=0.02)
        means = np.zeros(DRAWS)
        seeds = rng.multinomial(3, np.full(3, 1 / 3), size=DRAWS) / 3
        for cell in cells:
            items = rng.multinomial(64, np.full(64, 1 / 64), size=DRAWS)
            ratios = (items @ cell.differences.T) / (items @ cell.weights)[:, None]
            means += (ratios * seeds).sum(axis=1) / len(cells)
        low, high = np.quantile(means, [0.025, 0.975])
        hits += low <= 0.05 <= high
    assert hits / data_sets < 0.88


def test_estimate_weighs_windows_by_tokens_and_languages_equally():
    cells = [
        cell_of([[10, 1, 20, 1]], "en", weights=[10, 10, 20, 5]),  # 32 / 45
        cell_of([[1, 2, 3], [3, 4, 5]], "fr", "a", "fr a"),  # seeds 2 and 4
        cell_of([[0, 0, 0], [0, 0, 3]], "fr", "b", "fr b"),  # seeds 0 and 1
    ]
    assert Resampled(cells[:1], DRAWS).estimate().value == pytest.approx(32 / 45)
    resampled = Resampled(cells[1:], DRAWS)
    assert resampled.estimate().value == pytest.approx((2 + 0 + 4 + 1) / 4)
    en_twice = Resampled([cell_of([[1, 1, 1], [1, 1, 1]]), *cells[1:]], DRAWS)
    # en counts as much as the two cells of fr together
    assert en_twice.estimate().value == pytest.approx((1 + 7 / 4) / 2)
    assert en_twice.estimate(lambda cell: cell.condition == "b").value == pytest.approx(0.5)


def test_items_alone_give_the_t_interval_of_a_mean():
    values = np.random.default_rng(1).normal(0.3, 1, 50)
    found = Resampled([cell_of(values)], 20_000).estimate().interval(0.95)
    expected = stats.t.interval(0.95, 49, values.mean(), stats.sem(values))
    assert found == pytest.approx(expected, abs=0.01)


def test_seeds_alone_give_the_t_interval_of_three_values():
    by_seed = np.array([0.1, 0.2, 0.6])
    estimate = Resampled([cell_of(np.repeat(by_seed[:, None], 5, axis=1))], DRAWS).estimate()
    expected = stats.t.interval(0.9, 2, 0.3, stats.sem(by_seed))
    assert estimate.interval(0.9) == pytest.approx(expected)
    test = stats.ttest_1samp(by_seed, 0.05)
    assert estimate.p_value(0.05) == pytest.approx(test.pvalue)


def test_variance_of_a_crossed_design_is_seeds_plus_items_less_the_rest():
    """Purely residual noise: the item level gives nothing beyond what the seeds already show."""
    rng = np.random.default_rng(2)
    differences = rng.normal(0, 1, (4, 400))
    differences -= differences.mean(axis=0)  # no item differs from another in its mean over seeds
    variances = Resampled([cell_of(differences)], DRAWS).estimate().variances
    assert variances[1] == 0
    assert variances[0] == pytest.approx(np.var(differences.mean(axis=1), ddof=1) / 4)


def test_items_of_a_parallel_task_are_resampled_together():
    """The same items in two languages are no more information than in one."""
    values = np.random.default_rng(3).normal(0, 1, 30)
    one = Resampled([cell_of(values, "en", key="k")], DRAWS).estimate()
    both = [cell_of(values, "en", key="k"), cell_of(values, "fr", key="k")]
    parallel = Resampled(both, DRAWS).estimate()
    apart = Resampled([cell_of(values, "en"), cell_of(values, "fr")], 4000).estimate()
    assert parallel.interval(0.95) == pytest.approx(one.interval(0.95))
    assert apart.variances.sum() == pytest.approx(one.variances.sum() / 2, rel=0.1)


def test_resamples_are_the_same_for_every_comparison():
    values = np.random.default_rng(4).normal(0, 1, (3, 30))
    once = Resampled([cell_of(values)], DRAWS).estimate()
    double = Resampled([cell_of(2 * values)], DRAWS).estimate()
    np.testing.assert_allclose(double.interval(0.95), 2 * np.array(once.interval(0.95)))


def test_p_value_and_interval_agree():
    cells = simulated(np.random.default_rng(5), 3, 20, 4, 0.1)
    estimate = Resampled(cells, DRAWS).estimate()
    low, high = estimate.interval(0.95)
    assert estimate.p_value(low) == pytest.approx(0.05)
    assert estimate.p_value(high) == pytest.approx(0.05)
    assert estimate.p_value(estimate.value) == 1


def test_differences_without_spread_are_a_point():
    estimate = Resampled([cell_of(np.full((3, 8), 0.2))], DRAWS).estimate()
    low, high = estimate.interval(0.95)
    assert low == pytest.approx(0.2)
    assert high == pytest.approx(0.2)
    assert estimate.p_value(0.3) == 0
    zero = Resampled([cell_of(np.zeros((1, 8)))], DRAWS).estimate()
    assert zero.interval(0.95) == (0, 0)
    assert zero.p_value(0) == 1
    assert not math.isnan(zero.p_value(0.1))
