"""Exchanges of weights: the formula, and what they leave, against numbers made one by one."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multiprune.pruning.exchanges import exchange, layer_error
from multiprune.pruning.patterns import keep_in_scope


def layer(seed: int, rows: int, columns: int, tokens: int = 20):
    """A weight, and the mean of x x^T over inputs that go together, in double precision."""
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(tokens, columns, generator=draw, dtype=torch.float64)
    mixed = inputs @ torch.randn(columns, columns, generator=draw, dtype=torch.float64)
    weight = torch.randn(rows, columns, generator=draw, dtype=torch.float64)
    return weight, mixed, mixed.T @ mixed / tokens


def wanda(weight, moments, sparsity, group_size=None):
    return keep_in_scope(weight.abs() * moments.diagonal().sqrt(), sparsity, "row", group_size)


def error_of_row(weight, keep, inputs) -> float:
    """By its definition: mean over tokens of the squared difference of the outputs."""
    return float(((inputs @ weight - inputs @ (weight * keep)) ** 2).mean())


def single_exchanges(keep):
    """Every mask of a row that is one exchange away."""
    for dropped, taken in itertools.product(keep.nonzero()[:, 0], (~keep).nonzero()[:, 0]):
        other = keep.clone()
        other[dropped], other[taken] = False, True
        yield other


def test_error_by_hand():
    # r = (1, 2): 1 * 2 * 1 + 2 * 1 * (1 * 2) + 2 * 3 * 2 = 2 + 4 + 12
    weight, keep = torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[False, False, True]])
    moments = torch.tensor([[2.0, 1.0, 5.0], [1.0, 3.0, 5.0], [5.0, 5.0, 50.0]])
    assert layer_error(weight, keep, moments).tolist() == [18.0]


def test_one_exchange_by_hand():
    # Dropped is w_0 = 2 at G_00 = 1: error 4. Dropping w_1 = -1 as well would cost nothing more:
    # the two make up for each other (G_01 = 1), and dropping w_1 alone costs 1.
    weight, keep = torch.tensor([[2.0, -1.0, 5.0]]), torch.tensor([[False, True, True]])
    moments = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = exchange(weight, keep, moments, sweeps=1)
    assert found.tolist() == [[True, False, True]]
    assert layer_error(weight, found, moments).tolist() == [1.0]


@pytest.mark.parametrize("seed", range(20))
def test_ends_where_no_single_exchange_helps(seed):
    """3 x 8 with four dropped: all pairs are looked at, as brute force does."""
    weight, inputs, moments = layer(seed, 3, 8)
    found = exchange(weight, wanda(weight, moments, 0.5), moments, sweeps=50)
    for row, keep in zip(weight, found, strict=True):
        reached = error_of_row(row, keep, inputs)
        assert all(
            error_of_row(row, other, inputs) > reached * (1 - 1e-5)
            for other in single_exchanges(keep)
        )


@pytest.mark.parametrize("seed", range(20))
def test_a_sweep_is_no_worse_than_the_best_single_exchange(seed):
    weight, inputs, moments = layer(seed, 1, 8)
    start = wanda(weight, moments, 0.5)
    found = exchange(weight, start, moments, sweeps=1)
    best = min(error_of_row(weight[0], other, inputs) for other in single_exchanges(start[0]))
    before = error_of_row(weight[0], start[0], inputs)
    assert error_of_row(weight[0], found[0], inputs) <= min(best, before) * (1 + 1e-9)


layers = st.tuples(
    st.integers(0, 10_000),
    st.integers(1, 6),
    st.sampled_from([4, 8, 12, 20]),
    st.sampled_from([0.0, 0.25, 0.5, 0.75]),
)


@given(layers, st.integers(1, 8), st.sampled_from([None, 2, 4]))
def test_never_worse_and_as_sparse(drawn, sweeps, group_size):
    seed, rows, columns, sparsity = drawn
    if group_size:
        sparsity = 0.5
    weight, _inputs, moments = layer(seed, rows, columns, tokens=5)  # fewer tokens than channels
    weight[0, :3] = 0.0
    weight, moments = weight.float(), moments.float()
    start = wanda(weight, moments, sparsity, group_size)
    found = exchange(weight, start, moments, sweeps, group_size)
    assert torch.equal(found.sum(1), start.sum(1))
    if group_size:
        groups = found.unflatten(1, (-1, group_size)).sum(2)
        assert (groups == group_size // 2).all()
    assert (layer_error(weight, found, moments) <= layer_error(weight, start, moments)).all()


@given(layers)
def test_more_sweeps_are_never_worse(drawn):
    seed, rows, columns, sparsity = drawn
    weight, _inputs, moments = layer(seed, rows, columns)
    start = wanda(weight, moments, sparsity)
    errors = [
        layer_error(weight, exchange(weight, start, moments, sweeps), moments)
        for sweeps in (1, 2, 4, 8)
    ]
    for fewer, more in itertools.pairwise(errors):
        assert (more <= fewer * (1 + 1e-9)).all()


def test_rows_and_the_scale_of_the_moments_do_not_matter():
    weight, _inputs, moments = layer(5, 300, 24)
    start = wanda(weight, moments, 0.5)
    whole = exchange(weight, start, moments, 6)
    for row in (0, 150, 299):
        alone = exchange(weight[row : row + 1], start[row : row + 1], moments, 6)
        assert torch.equal(alone[0], whole[row])
    assert torch.equal(exchange(weight, start, 1024 * moments, 6), whole)


def test_nothing_to_exchange():
    weight, _inputs, moments = layer(6, 3, 8)
    for keep in (torch.ones(3, 8, dtype=torch.bool), torch.zeros(3, 8, dtype=torch.bool)):
        assert torch.equal(exchange(weight, keep, moments, 3), keep)
        assert torch.equal(exchange(weight, keep, torch.zeros_like(moments), 3, 4), keep)
