import numpy as np
import pytest
import torch
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from multiprune.errors import InputError
from multiprune.experiment.group_pattern import GroupPattern, parse_pattern, without_quotes
from multiprune.pruning import patterns
from multiprune.pruning.patterns import (
    dropped_per_row,
    keep_in_groups,
    keep_in_scope,
    keep_unstructured,
)


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
@example(np.zeros((2, 4), dtype=np.float32), 1.0)
def test_equals_a_stable_sort_with_many_ties(scores, sparsity):
    found = keep_unstructured(torch.from_numpy(scores), sparsity).numpy()
    np.testing.assert_array_equal(found, by_stable_sort(scores, sparsity))


@settings(deadline=None)
@given(SCORES, st.integers(0, 20))
def test_what_a_gpu_does_is_the_same(scores, dropped):
    dropped = min(dropped, scores.shape[1])
    found = patterns._by_sorting(torch.from_numpy(scores), dropped).numpy()
    np.testing.assert_array_equal(found, by_stable_sort(scores, dropped / scores.shape[1]))


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


@pytest.fixture
def small_chunks(monkeypatch):
    """So that a small matrix is cut into chunks of rows, with two threads."""
    threads = torch.get_num_threads()
    monkeypatch.setattr(patterns, "CHUNK", 900)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("values", [1, 2, 7, 200, 10**9])
@pytest.mark.parametrize("scope", ["row", "layer"])
def test_chunks_of_rows_with_few_or_many_different_scores(small_chunks, values, scope):
    scores = np.random.default_rng(values).integers(0, values, (41, 301)).astype(np.float32)
    found = keep_in_scope(torch.from_numpy(scores), 0.37, scope).numpy()
    flat = scores if scope == "row" else scores.reshape(1, -1)
    np.testing.assert_array_equal(found, by_stable_sort(flat, 0.37).reshape(scores.shape))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_every_precision_follows_the_same_rule(dtype):
    scores = torch.rand(5, 512, generator=torch.Generator().manual_seed(1)).to(dtype)
    expected = by_stable_sort(scores.double().numpy(), 0.6)
    np.testing.assert_array_equal(keep_unstructured(scores, 0.6).numpy(), expected)


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("scope", "size"), [("row", None), ("layer", None), ("row", 2)])
def test_scores_that_are_not_finite_are_refused(number, sparsity, scope, size):
    scores = torch.ones(3, 4)
    scores[1, 2] = number
    with pytest.raises(InputError, match=r"^has scores that are not finite$"):
        keep_in_scope(scores, sparsity, scope, size)


# Patterns n:m.


def by_sorted_groups(scores: np.ndarray, dropped: int, size: int) -> np.ndarray:
    """The definition: of each group, sorted by score and then column, the first ones go."""
    keep = np.ones(scores.shape, dtype=bool)
    for row, values in enumerate(scores.tolist()):
        for start in range(0, len(values), size):
            columns = range(start, start + size)
            lowest = sorted(columns, key=lambda column, row=values: (row[column], column))
            keep[row, lowest[:dropped]] = False
    return keep


def test_groups_lose_their_lowest_scores_and_ties_go_by_lowest_column():
    scores = torch.tensor([[3.0, 1, 2, 4, 9, 9, 9, 9], [5, 6, 5, 5, 0, 1, 0, 2]])
    expected = [
        [True, False, False, True, False, False, True, True],
        [False, True, False, True, False, True, False, True],
    ]
    assert keep_in_groups(scores, 2, 4).tolist() == expected
    assert keep_in_scope(scores, 0.5, "row", group_size=4).tolist() == expected
    one = [False, True, True, True] * 2
    assert keep_in_groups(torch.zeros(1, 8), 1, 4).tolist() == [one]


@st.composite
def grouped(draw):
    """Scores with many ties, and a pattern that fits, no or all weights of a group included."""
    size = draw(st.integers(1, 64))
    shape = (draw(st.integers(1, 4)), size * draw(st.integers(1, 5)))
    scores = draw(arrays.arrays(np.float32, shape, elements=st.integers(0, 3)))
    return scores, draw(st.integers(0, size)), size


@settings(deadline=None)
@given(grouped())
def test_groups_equal_the_definition(case):
    scores, dropped, size = case
    found = keep_in_groups(torch.from_numpy(scores), dropped, size).numpy()
    np.testing.assert_array_equal(found, by_sorted_groups(scores, dropped, size))
    assert (found.reshape(-1, size).sum(axis=1) == size - dropped).all()


def test_every_pattern_survives_the_way_over_its_sparsity():
    for size in range(2, 65):
        scores = torch.rand(2, size, generator=torch.Generator().manual_seed(size))
        for dropped in range(1, size):
            keep = keep_in_scope(scores, GroupPattern(dropped, size).sparsity, "row", size)
            assert keep.sum(dim=1).tolist() == [size - dropped] * 2


def test_groups_must_fill_the_columns():
    with pytest.raises(InputError, match=r"^has 30 columns, which cannot be cut into groups of 4"):
        keep_in_groups(torch.rand(2, 30), 2, 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unstructured", None),
        ("2:4", GroupPattern(2, 4)),
        ("1:2", GroupPattern(1, 2)),
        ("63:64", GroupPattern(63, 64)),
    ],
)
def test_patterns_are_read(text, expected):
    assert parse_pattern(text) == expected


@pytest.mark.parametrize("text", ["4:4", "5:4", "0:4", "2:65", "02:4", "2-4", "2:4:8", "2:4 ", ""])
def test_other_patterns_are_one_line(text):
    with pytest.raises(InputError) as error:
        parse_pattern(text, "methods.x.pattern")
    assert str(error.value) == (
        f"methods.x.pattern: found {text!r}, allowed are unstructured and, in quotes, n:m with "
        '0 < n < m <= 64 such as "2:4"'
    )


def test_what_yaml_makes_of_a_pattern_without_quotes():
    for size in range(2, 65):
        for dropped in range(1, size):
            text = f"{dropped}:{size}"
            read = yaml.safe_load(text)
            assert text in (read, without_quotes(read))
    assert [without_quotes(value) for value in (0, 4, 60, 240, True, 124.0, "2:4")] == [""] * 7


def test_a_transposed_view_is_read_by_its_own_rows():
    scores = torch.tensor([[1.0, 8.0], [2.0, 7.0], [3.0, 6.0], [4.0, 5.0]]).T
    assert keep_unstructured(scores, 0.25).tolist() == [
        [False, True, True, True],
        [True] * 3 + [False],
    ]
