import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from multiprune.errors import InputError
from multiprune.pruning.patterns import keep_unstructured
from multiprune.pruning.scores import wanda as wanda_score
from multiprune.pruning.sequential.sparsegpt import PrunedMatrix, inverse_factor, prune_with
from unit.pruning.sequential.sparsegpt_reference import reference


def prune(
    weight: Tensor, hessian: Tensor, *how: float | None, damping: float = 0.01, **named: int | None
) -> PrunedMatrix:
    """A matrix pruned given the Hessian of its input."""
    return prune_with(weight, inverse_factor(hessian, damping), *how, **named)


def random_weight(rows: int, columns: int, seed: int = 0, dtype=torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64).to(dtype)


def correlated_inputs(tokens: int, channels: int, seed: int = 1) -> Tensor:
    """Tokens that live mostly in a quarter of the dimensions, with channels of unequal size."""
    generator = torch.Generator().manual_seed(seed)
    factors = torch.randn(tokens, channels // 4, generator=generator, dtype=torch.float64)
    mixing = torch.randn(channels // 4, channels, generator=generator, dtype=torch.float64)
    noise = torch.randn(tokens, channels, generator=generator, dtype=torch.float64)
    sizes = torch.rand(channels, generator=generator, dtype=torch.float64) + 0.1
    return (factors @ mixing + 0.3 * noise) * sizes


def hessian_of(inputs: Tensor) -> Tensor:
    return inputs.T @ inputs / len(inputs)


def reconstruction_error(weight: Tensor, new: Tensor, inputs: Tensor) -> float:
    return float((inputs @ (weight - new).T).square().sum())


def test_two_weights_by_hand():
    # H^-1 = [[2, -1], [-1, 2]] / 3. Costs 1 / (2/3) = 1.5 and 2^2 / (1/2) = 8; the first goes and
    # moves the second by -1 / (2/3) * (-1/3) = 0.5: the least-squares fit.
    hessian = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
    result = prune(torch.tensor([[1.0, 2.0]]), hessian, 0.5, damping=0)
    assert result.keep.tolist() == [[False, True]]
    torch.testing.assert_close(result.weight, torch.tensor([[0.0, 2.5]]))
    assert result.pruned == 1


def test_weights_left_of_a_dropped_one_stay():
    hessian = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
    keep, new = prune(torch.tensor([[3.0, 0.5]]), hessian, 0.5, damping=0)
    assert keep.tolist() == [[True, False]]
    assert new.tolist() == [[3.0, 0.0]]


@pytest.mark.parametrize("block_size", [1, 5, 8, 24, 128])
@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.8])
def test_unstructured_equals_explicit_inverses(sparsity, block_size):
    weight, hessian = random_weight(6, 24), hessian_of(correlated_inputs(200, 24))
    keep, new = prune(weight, hessian, sparsity, block_size=block_size)
    expected_keep, expected = reference(weight, hessian, sparsity, None, block_size)
    assert torch.equal(keep, expected_keep)
    torch.testing.assert_close(new, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("n", "m"), [(2, 4), (4, 8), (1, 3), (0, 4), (4, 4)])
def test_patterns_equal_explicit_inverses(n, m):
    weight, hessian = random_weight(5, 24), hessian_of(correlated_inputs(200, 24))
    keep, new = prune(weight, hessian, n / m, m, block_size=8)
    expected_keep, expected = reference(weight, hessian, n / m, m, block_size=8)
    assert torch.equal(keep, expected_keep)
    torch.testing.assert_close(new, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("tokens", [200, 10])  # 10 tokens: singular without damping
def test_single_precision_stays_close_to_explicit_inverses(tokens):
    weight, hessian = random_weight(6, 24), hessian_of(correlated_inputs(tokens, 24))
    keep, new = prune(weight.float(), hessian.float(), 0.5, block_size=8)
    _, expected = reference(weight, hessian, 0.5, None, block_size=8, keep=keep)
    torch.testing.assert_close(new.double(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("damping", [0.01, 1.0])
def test_damping_is_a_share_of_the_mean_diagonal(damping):
    weight, hessian = random_weight(4, 16), hessian_of(correlated_inputs(100, 16))
    added = damping * hessian.diagonal().mean() * torch.eye(16, dtype=torch.float64)
    damped = prune(weight, hessian, 0.5, damping=damping)
    torch.testing.assert_close(damped.weight, prune(weight, hessian + added, 0.5, damping=0).weight)


def test_the_scale_of_the_inputs_does_not_matter():
    weight, hessian = random_weight(4, 16), hessian_of(correlated_inputs(100, 16))
    once, scaled = prune(weight, hessian, 0.5), prune(weight, 1e6 * hessian, 0.5)
    assert torch.equal(once.keep, scaled.keep)
    torch.testing.assert_close(once.weight, scaled.weight)


def test_independent_inputs_of_equal_size_make_it_magnitude_within_a_block():
    weight = random_weight(8, 24, dtype=torch.float32)
    keep, new = prune(weight, torch.eye(24), 0.5, block_size=12)
    for block in (slice(0, 12), slice(12, 24)):
        median = weight[:, block].abs().flatten().sort().values[47]  # 48 of 96 go
        assert torch.equal(keep[:, block], weight[:, block].abs() > median)
    assert torch.equal(new, weight.masked_fill(~keep, 0))


@pytest.mark.parametrize(("sparsity", "share"), [(0.3, 0.25), (0.5, 0.5), (0.7, 0.9)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_reconstruction_beats_wanda_and_its_own_mask_alone(sparsity, share, seed):
    # The more is dropped, the fewer weights are left to make up for it.
    weight, inputs = random_weight(48, 64, seed), correlated_inputs(400, 64, seed + 10)
    keep, new = prune(weight, hessian_of(inputs), sparsity, block_size=32)
    norm = inputs.square().mean(dim=0).sqrt()
    wanda = weight * keep_unstructured(wanda_score.score(weight, norm), sparsity)
    error = reconstruction_error(weight, new, inputs)
    assert error < share * reconstruction_error(weight, wanda, inputs)
    assert error < share * reconstruction_error(weight, weight * keep, inputs)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 6), st.integers(1, 20), st.integers(1, 25), st.floats(0, 1), st.integers(0, 99)
)
def test_each_block_of_columns_loses_the_floor_of_its_share(
    rows, columns, block_size, sparsity, seed
):
    weight = random_weight(rows, columns, seed, torch.float32)
    hessian = hessian_of(random_weight(30, columns, seed + 1))
    result = prune(weight, hessian, sparsity, block_size=block_size)
    widths = [block.shape[1] for block in weight.split(block_size, dim=1)]
    counts = [int(rows * width * sparsity + 1e-9) for width in widths]
    dropped = [int((~block).sum()) for block in result.keep.split(block_size, dim=1)]
    assert dropped == counts
    assert result.pruned == sum(counts)
    assert not result.weight[~result.keep].any()


@pytest.mark.parametrize(("n", "m"), [(2, 4), (4, 8), (3, 4), (1, 6)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_patterns_keep_m_minus_n_of_every_group(n, m, dtype):
    weight, hessian = random_weight(7, 48, dtype=dtype), hessian_of(correlated_inputs(90, 48))
    result = prune(weight, hessian, n / m, m, block_size=20)
    assert (result.keep.reshape(7, -1, m).sum(dim=2) == m - n).all()
    assert ((result.weight == 0).reshape(7, -1, m).sum(dim=2) == n).all()
    assert result.pruned == 7 * 48 * n // m


@pytest.mark.parametrize("block_size", [1, 4, 10, 16, 128])
def test_blocks_only_group_the_updates_of_a_pattern(block_size):
    weight, hessian = random_weight(6, 32), hessian_of(correlated_inputs(200, 32))
    whole = prune(weight, hessian, 0.5, 4, block_size=32)
    split = prune(weight, hessian, 0.5, 4, block_size)
    assert torch.equal(split.keep, whole.keep)
    torch.testing.assert_close(split.weight, whole.weight, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("block_size", [3, 8, 16])
def test_given_the_mask_blocks_do_not_change_the_weights(block_size):
    weight, hessian = random_weight(6, 32), hessian_of(correlated_inputs(200, 32))
    keep, new = prune(weight, hessian, 0.6, block_size=block_size)
    _, expected = reference(weight, hessian, 0.6, None, block_size=1, keep=keep)
    torch.testing.assert_close(new, expected, rtol=1e-9, atol=1e-9)


def with_dead_column(inputs: Tensor, column: int) -> Tensor:
    dead = torch.zeros(len(inputs), 1, dtype=inputs.dtype)
    return torch.cat([inputs[:, :column], dead, inputs[:, column:]], dim=1)


@pytest.mark.parametrize("damping", [0, 0.01])
def test_a_dead_column_goes_first_and_disturbs_no_other(damping):
    # Eight of the 32 weights are dead and go; of the others again eight, a third of 24.
    live, inputs = random_weight(8, 3), random_weight(50, 3, seed=5)
    weight = torch.cat([live[:, :1], torch.full((8, 1), 100.0), live[:, 1:]], dim=1)
    keep, new = prune(weight, hessian_of(with_dead_column(inputs, 1)), 0.5, damping=damping)
    expected = prune(live, hessian_of(inputs), 1 / 3, damping=damping)
    assert not keep[:, 1].any()
    assert torch.equal(keep[:, [0, 2, 3]], expected.keep)
    torch.testing.assert_close(new[:, [0, 2, 3]], expected.weight)


def test_dead_weights_above_the_target_stay_as_they_are():
    weight = random_weight(4, 4)
    inputs = with_dead_column(with_dead_column(random_weight(50, 2), 0), 3)
    keep, new = prune(weight, hessian_of(inputs), 0.25)
    assert keep.tolist() == 4 * [[False, True, True, True]]
    assert torch.equal(new, weight * keep)


def test_dead_columns_go_first_within_their_groups():
    weight, inputs = random_weight(4, 8), random_weight(50, 8, seed=3)
    inputs[:, [1, 6, 7]] = 0
    keep, _ = prune(weight, hessian_of(inputs), 0.5, 4)
    assert not keep[:, [1, 6, 7]].any()
    assert keep[:, [4, 5]].all()


def test_inputs_that_are_always_zero_leave_the_order_of_columns():
    weight = random_weight(3, 4)
    keep, new = prune(weight, torch.zeros(4, 4), 0.5)
    assert keep.tolist() == 3 * [[False, False, True, True]]
    assert torch.equal(new, weight * keep)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_precision_stays_and_dropped_weights_are_positive_zeros(dtype):
    weight, hessian = random_weight(6, 32, dtype=dtype), hessian_of(correlated_inputs(200, 32))
    keep, new = prune(weight, hessian, 0.5, block_size=8)
    exact = prune(weight.float(), hessian, 0.5, block_size=8)
    assert new.dtype == dtype
    assert not new[~keep].any()
    assert not new[~keep].signbit().any()
    assert torch.equal(keep, exact.keep)
    assert torch.equal(new, exact.weight.to(dtype))


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sparsity_zero_returns_the_weight_and_arguments_are_left_alone(rows, dtype):
    hessian = hessian_of(correlated_inputs(100, 16))
    weight = torch.nn.Parameter(random_weight(rows, 16, dtype=dtype))
    before = weight.detach().clone(), hessian.clone()
    keep, new = prune(weight, hessian, 0.0)
    assert keep.all()
    assert torch.equal(new, weight)
    prune(weight, hessian, 0.5)
    assert torch.equal(weight, before[0])
    assert torch.equal(hessian, before[1])


def test_one_factor_serves_all_modules_with_the_same_input_every_time_alike():
    hessian = hessian_of(correlated_inputs(100, 32))
    factor = inverse_factor(hessian)
    for seed in range(3):
        weight = random_weight(6, 32, seed, torch.float32)
        first = prune(weight, hessian, 0.5, block_size=8)
        shared = prune_with(weight, factor, 0.5, block_size=8)
        assert torch.equal(first.keep, shared.keep)
        assert torch.equal(first.weight, shared.weight)


INDEFINITE = torch.tensor([[1.0, 2.0], [2.0, 1.0]])


@pytest.mark.parametrize(
    ("weight", "hessian", "message"),
    [
        (
            torch.ones(2, 2),
            INDEFINITE,
            r"not positive definite at damping 0\.01; raise the damping",
        ),
        (torch.ones(2, 2), INDEFINITE * torch.nan, "has inputs that are not finite"),
        (torch.full((2, 2), torch.inf), torch.eye(2), "holds numbers that are not finite"),
        (torch.ones(2, 6), torch.eye(6), "has 6 columns, which cannot be cut into groups of 4"),
    ],
)
def test_what_cannot_be_pruned_is_one_line(weight, hessian, message):
    with pytest.raises(InputError, match=message) as error:
        prune(weight, hessian, 0.5, group_size=4 if len(hessian) == 6 else None)
    assert "\n" not in str(error.value)


def test_new_weights_beyond_the_precision_are_refused():
    # The first weight's share of the output moves to the second: 40,000 + 50,000 > 65,504.
    hessian = torch.tensor([[1.0, 0.999], [0.999, 1.0]])
    weight = torch.tensor([[40000.0, 50000.0]], dtype=torch.float16)
    with pytest.raises(InputError, match=r"gets weights that do not fit torch\.float16"):
        prune(weight, hessian, 0.5, damping=1e-4)
