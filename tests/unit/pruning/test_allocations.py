import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.pruning.allocations import cwl, dlp, lsa, owl, uniform
from multiprune.pruning.sparsities import block_sparsities, min_max, whole_groups
from multiprune.statistics.correlation import block_correlation

EQUAL = np.ones(3)


class Three:
    """Three decoder blocks as an allocation sees them."""

    count = 3

    def outlier_share(self, multiple: float) -> np.ndarray:
        return np.array([0.01, 0.03, 0.02]) * multiple

    def median_score(self) -> np.ndarray:
        return np.array([2.0, 5.0, 3.0])

    def correlation(self, of: str = "norms") -> np.ndarray:
        return np.array([0.9, 0.5, 0.7])

    def reconstruction_error(self) -> np.ndarray:
        return np.array([4.0, 1.0, 3.0])


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_uniform_gives_every_block_the_request():
    same(
        block_sparsities(uniform.importance(Three()), np.array([3.0, 1.0, 7.0]), 0.3, 0.0),
        [0.3, 0.3, 0.3],
    )


def test_owl_keeps_more_where_there_are_outliers():
    # Densities 0.2 * (0, 1, 1/2), moved by 0.4 to mean 0.5.
    importance = owl.importance(Three(), outlier_multiple=1)
    same(block_sparsities(importance, EQUAL, 0.5, 0.1), [0.6, 0.4, 0.5])


def test_the_mean_is_weighted_by_parameters():
    # Densities (0, 0.2) have weighted mean 0.05, so they move by 0.45.
    found = block_sparsities(np.array([0.0, 1.0]), np.array([3, 1]), 0.5, 0.1)
    same(found, [0.55, 0.35])
    same(0.75 * found[0] + 0.25 * found[1], 0.5)


@pytest.mark.parametrize(
    ("importance", "parameters", "sparsity", "strength", "expected"),
    [
        # 0.4 * (0, 1, 1) moves to (0.63, 1.03, 1.03): two full blocks, 2.7 - 2 is left.
        ([0, 1, 1], [1, 1, 1], 0.1, 0.2, [0.3, 0, 0]),
        # (0.5875, 0.8375, 1.0875): the third is full, the others move to mean 0.8.
        ([0, 0.5, 1], [1, 1, 2], 0.1, 0.25, [0.325, 0.075, 0]),
        # Filling the third pushes the second over 1 as well: 4 * 0.98 - 3 is left.
        ([0, 0.5, 1], [1, 1, 2], 0.02, 0.25, [0.08, 0, 0]),
        # (-0.05, 0.15): the first is empty, the second holds all that is left.
        ([0, 1], [1, 1], 0.95, 0.1, [1, 0.9]),
    ],
)
def test_clipped_blocks_are_made_up_for(importance, parameters, sparsity, strength, expected):
    found = block_sparsities(np.array(importance), np.array(parameters), sparsity, strength)
    same(found, expected)


def test_dlp_keeps_more_where_the_median_is_low():
    # I = 1 - (2, 5, 3) / 10, scaled 1, 0, 2/3; densities 0.16 times that, their mean is 0.16 * 5/9.
    same(dlp.importance(Three()), [0.8, 0.5, 0.7])
    expected = [0.5 + 0.16 * (5 / 9 - share) for share in (1, 0, 2 / 3)]
    same(block_sparsities(dlp.importance(Three()), EQUAL, 0.5, 0.08), expected)


def test_dlp_of_a_model_of_zeros_is_uniform(monkeypatch):
    monkeypatch.setattr(Three, "median_score", lambda _self: np.zeros(3))
    same(dlp.importance(Three()), [1, 1, 1])


def test_lsa_keeps_more_where_half_of_the_inputs_cost_little():
    # I = 1 - (4, 1, 3) / 8, scaled 0, 1, 1/3; densities 0.18 times that, their mean is 0.08.
    same(lsa.importance(Three()), [0.5, 0.875, 0.625])
    found = block_sparsities(lsa.importance(Three()), EQUAL, 0.5, 0.09)
    same(found, [0.58, 0.4, 0.52])


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("keep_shared", [0.45, 0.55, 0.5]), ("keep_specific", [0.55, 0.45, 0.5])],
)
def test_cwl_direction(direction, expected):
    same(block_sparsities(cwl.importance(Three(), direction), EQUAL, 0.5, 0.05), expected)


@pytest.mark.parametrize(
    ("direction", "expected"), [("keep_shared", [0, 0, 0.25]), ("keep_specific", [0, 1, 0.25])]
)
def test_cwl_times_owl(direction, expected):
    # Scaled: correlation (1, 0, 1/2) or (0, 1, 1/2); outliers (0, 1, 1/2).
    same(cwl.importance(Three(), direction, "owl", 2), expected)


def test_min_max_of_equal_values_is_zero():
    same(min_max(np.array([2.0, 4.0, 3.0])), [0, 1, 0.5])
    same(min_max(np.array([0.7, 0.7])), [0, 0])


def test_block_correlation_is_the_mean_over_inputs_and_pairs():
    assert block_correlation([(0.5 + 0.7 + 0.9, 3)]) == pytest.approx(0.7)
    assert block_correlation([(2.1, 3), (0.3, 1), (0.0, 0)]) == pytest.approx(0.6)  # 2.4 / 4


def test_block_correlation_without_a_defined_pair_is_zero():
    assert block_correlation([(0.0, 0)]) == 0.0


BLOCKS = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 10**6)), min_size=1, max_size=12)


@settings(deadline=None)
@given(BLOCKS, st.floats(0.001, 0.999), st.floats(0, 0.5))
def test_mean_range_and_order(blocks, sparsity, strength):
    importance, parameters = (np.array(column, dtype=float) for column in zip(*blocks, strict=True))
    found = block_sparsities(importance, parameters, sparsity, strength)
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.average(found, weights=parameters) == pytest.approx(sparsity, abs=1e-9)
    assert np.ptp(found) <= 2 * strength + 1e-9
    assert (np.diff(found[np.argsort(importance, kind="stable")]) <= 1e-9).all()


@settings(deadline=None)
@given(BLOCKS, st.floats(0.001, 0.999), st.floats(0, 0.5), st.randoms(use_true_random=False))
def test_the_order_of_blocks_does_not_matter(blocks, sparsity, strength, random):
    importance, parameters = (np.array(column, dtype=float) for column in zip(*blocks, strict=True))
    order = list(range(len(blocks)))
    random.shuffle(order)
    found = block_sparsities(importance[order], parameters[order], sparsity, strength)
    expected = block_sparsities(importance, parameters, sparsity, strength)[order]
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("sparsities", "parameters", "size", "expected"),
    [
        # 6.4 and 1.6 of 8: floors 6 and 1 miss one, which the larger remainder gets.
        ([0.8, 0.2], [1, 1], 8, [6, 2]),
        # 1.6, 2.4 and 2.0 of 4: the first is rounded up.
        ([0.4, 0.6, 0.5], [1, 1, 1], 4, [2, 2, 2]),
        # 0.5 of 2 four times: two of the four get one, lowest block first.
        ([0.25] * 4, [5, 5, 5, 5], 2, [1, 1, 0, 0]),
        # 2.7, 2.6 and 0.1 of 4 weighted 1, 6, 1: floors miss 4.4; the first takes 1 and the second,
        # 6, still brings the total nearer (-2.6 instead of 3.4).
        ([0.675, 0.65, 0.025], [1, 6, 1], 4, [3, 3, 0]),
        # 1.2 and 1.1 of 4 weighted 10, 1: floors miss 2.1, 10 more are too many, 1 more is not.
        ([0.3, 0.275], [10, 1], 4, [1, 2]),
        # Whole numbers but for rounding stay, the bounds included.
        ([1, 0, 0.75 - 1e-13], [1, 1, 1], 4, [4, 0, 3]),
    ],
)
def test_whole_groups_by_largest_remainder(sparsities, parameters, size, expected):
    same(whole_groups(np.array(sparsities), np.array(parameters), size) * size, expected)


PATTERNS = st.integers(2, 64).flatmap(lambda m: st.tuples(st.integers(1, m - 1), st.just(m)))


@settings(deadline=None)
@given(BLOCKS, PATTERNS, st.floats(0, 0.5))
def test_whole_groups_meet_the_total_within_half_a_block(blocks, pattern, strength):
    importance, parameters = (np.array(column, dtype=float) for column in zip(*blocks, strict=True))
    dropped, size = pattern
    targets = block_sparsities(importance, parameters, dropped / size, strength)
    found = whole_groups(targets, parameters, size) * size
    same(found, np.round(found))
    assert (np.abs(found - targets * size) < 1 + 1e-6).all()
    assert found.min() >= 0
    assert found.max() <= size
    missed = abs(found @ parameters - dropped * parameters.sum())
    assert missed <= parameters.max() / 2 + 1e-6 * parameters.sum()


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), PATTERNS, st.floats(0, 0.5))
def test_whole_groups_of_equal_blocks_are_exact_and_in_order(importance, pattern, strength):
    dropped, size = pattern
    parameters = np.full(len(importance), 7)
    targets = block_sparsities(np.array(importance), parameters, dropped / size, strength)
    found = whole_groups(targets, parameters, size) * size
    assert round(found.sum()) == dropped * len(importance)
    sparsest_first = np.argsort(-np.round(targets * size, 9), kind="stable")
    assert (np.diff(found[sparsest_first]) <= 1e-9).all()
