import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from multiprune.patterns import dropped_per_row, keep_in_scope, keep_unstructured


def by_stable_sort(scores: np.ndarray, sparsity: float) -> np.ndarray:
    """The definition: the first floor(columns * s) of each row's stable ascending order go."""
    keep = np.ones(scores.shape, dtype=bool)
    dropped = dropped_per_row(scores.shape[1], sparsity)
    for row, values in enumerate(scores):
        keep[row, np.argsort(values, kind="stable")[:dropped]] = False
    return keep


def test_lowest_scores_go_and_ties_by_lowest_column():
    scores = torch.tensor([[3.0, 1.0, 2.0, 4.0], [5.0, 5.0, 5.0, 5.0], [2.0, 1.0, 2.0, 2.0]])
    expected = [
        [True, False, False, True],
        [False, False, True, True],
        [False, False, True, True],
    ]
    assert keep_unstructured(scores, 0.5).tolist() == expected


def test_scope_layer_compares_all_rows():
    scores = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert keep_in_scope(scores, 0.5, "layer").tolist() == [[False] * 3, [True] * 3]
    assert keep_in_scope(scores, 0.34, "row").tolist() == [[False, True, True]] * 2


@pytest.mark.parametrize(
    ("columns", "sparsity", "dropped"),
    [
        (100, 0.29, 29),  # the product is 28.999999999999996
        (1000, 1 - 0.71, 290),
        (10, 0.35, 3),
        (576, 0.6, 345),
        (7, 0.999, 6),
        (1000, 0.999, 999),
        (3, 0.3, 0),
        (1000, 0.0009, 0),
        (5, 0.0, 0),
        (5, 1.0, 5),
    ],
)
def test_number_dropped_is_the_floor(columns, sparsity, dropped):
    assert dropped_per_row(columns, sparsity) == dropped
    scores = torch.rand(2, columns, generator=torch.Generator().manual_seed(0))
    assert (~keep_unstructured(scores, sparsity)).sum(dim=1).tolist() == [dropped, dropped]


SCORES = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.integers(0, 3)
)


@settings(deadline=None)
@given(SCORES, st.floats(0, 1))
@example(np.zeros((3, 9), dtype=np.float32), 0.5)
@example(np.full((2, 4), np.inf, dtype=np.float32), 0.5)
def test_equals_a_stable_sort_with_many_ties(scores, sparsity):
    found = keep_unstructured(torch.from_numpy(scores), sparsity).numpy()
    np.testing.assert_array_equal(found, by_stable_sort(scores, sparsity))


@settings(deadline=None)
@given(SCORES, st.floats(0, 1))
def test_scope_layer_equals_a_stable_sort_of_the_flat_matrix(scores, sparsity):
    found = keep_in_scope(torch.from_numpy(scores), sparsity, "layer").numpy()
    expected = by_stable_sort(scores.reshape(1, -1), sparsity).reshape(scores.shape)
    np.testing.assert_array_equal(found, expected)


@settings(deadline=None)
@given(
    arrays.arrays(np.float32, (4, 33), elements=st.floats(0, 1e6, width=32)),
    st.sampled_from([0.001, 0.03, 0.29, 0.5, 0.97, 0.999]),
)
def test_equals_a_stable_sort_of_real_numbers(scores, sparsity):
    found = keep_unstructured(torch.from_numpy(scores), sparsity).numpy()
    np.testing.assert_array_equal(found, by_stable_sort(scores, sparsity))


def test_a_transposed_view_is_read_by_its_own_rows():
    scores = torch.tensor([[1.0, 8.0], [2.0, 7.0], [3.0, 6.0], [4.0, 5.0]]).T
    assert keep_unstructured(scores, 0.25).tolist() == [
        [False, True, True, True],
        [True] * 3 + [False],
    ]
