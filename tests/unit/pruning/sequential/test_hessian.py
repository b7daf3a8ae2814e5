import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.errors import InputError
from multiprune.pruning.sequential.hessian import InputHessian
from multiprune.statistics.sums import ActivationSums

TOKENS = torch.tensor([[3.0, -4.0], [1.0, 1.0]])
MEAN = [[5.0, -5.5], [-5.5, 8.5]]  # (9 + 1) / 2, (-12 + 1) / 2, (16 + 1) / 2


def summed(*batches: torch.Tensor) -> InputHessian:
    hessian = InputHessian(batches[0].shape[-1])
    for batch in batches:
        hessian.update(batch)
    return hessian


def random_tokens(tokens: int, channels: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(tokens, channels, generator=generator)


def test_mean_of_outer_products_by_hand():
    hessian = summed(TOKENS)
    assert hessian.matrix.tolist() == MEAN
    assert hessian.tokens == 2


@pytest.mark.parametrize("padding", [7.0, 1e30, float("nan"), float("inf")])
def test_padding_never_counts(padding):
    padded = torch.full((2, 3, 2), padding)
    counted = torch.zeros(2, 3, dtype=torch.bool)
    padded[0, 0], padded[1, 2] = TOKENS
    counted[0, 0] = counted[1, 2] = True
    hessian = InputHessian(2)
    hessian.update(padded, counted)
    assert hessian.matrix.tolist() == MEAN
    assert hessian.tokens == 2


@settings(deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(1, 11), max_size=4, unique=True))
def test_order_and_split_of_tokens_do_not_matter(order, cuts):
    tokens = random_tokens(12, 5)
    batches = torch.tensor_split(tokens[order], sorted(cuts))
    expected = (tokens.double().T @ tokens.double() / 12).numpy()
    np.testing.assert_allclose(summed(*batches).matrix.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_its_diagonal_is_the_mean_square_of_the_statistics():
    tokens = random_tokens(50, 6)
    sums = ActivationSums(6)
    sums.update(tokens)
    diagonal = summed(tokens).matrix.diagonal()
    np.testing.assert_allclose(diagonal, sums.arrays()["sum_sq"] / 50, rtol=1e-6)


def test_many_small_tokens_are_not_lost_beside_a_large_one():
    # 1e8 + 1 is 1e8 in single precision.
    batches = [torch.tensor([[1e4]])] + 100 * [torch.ones(1, 1)]
    assert summed(*batches).matrix.item() * 101 == pytest.approx(1e8 + 100, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_floats_are_multiplied_in_single_precision(dtype):
    # 256^2 overflows float16, and 256^2 + 1 is no bfloat16.
    tokens = torch.tensor([[256.0, 1.0], [1.0, 0.0]], dtype=dtype)
    assert summed(tokens).matrix.tolist() == [[32768.5, 128.0], [128.0, 0.5]]


def test_double_precision_stays_double():
    tokens = torch.tensor([[1 + 1e-12]], dtype=torch.float64)
    assert summed(tokens).matrix.item() > 1


def test_without_tokens_there_is_no_mean():
    hessian = InputHessian(2)
    hessian.update(TOKENS, torch.zeros(2, dtype=torch.bool))
    with pytest.raises(InputError, match="counted no token"):
        _ = hessian.matrix
