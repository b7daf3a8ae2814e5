"""What dropping half of the inputs costs, by hand and by brute force, and allocations by it."""

import json
import signal
from functools import cache
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import write_bloom, write_llama
from tiny_architectures import load_plainly, write_model
from torch import nn
from transformers.pytorch_utils import Conv1D

from multiprune.calibration.windows import Windows
from multiprune.errors import InputError
from multiprune.files.tensors import read_tensors
from multiprune.models.architectures import architecture_of
from multiprune.models.loading import load_model
from multiprune.models.weights import ModelWeights
from multiprune.pruning.sequential.passes import BlockPasses
from multiprune.pruning.sequential.reconstruction import block_errors, least_error, pair_costs
from unit.pruning.sequential.data import (
    KILLED,
    LENGTH,
    METHODS,
    arguments,
    calibration_files,
    overflow,
    prune,
    run,
    samples_of,
    with_windows,
)
from unit.pruning.sequential.reference_procedure import block_error, by_block

CPU = torch.device("cpu")
# Columns (1, 0, 1), (0, 1, 0), (1, -1, 0), (0, 0, 2).
WEIGHT = torch.tensor([[1.0, 0, 1, 0], [0, 1, -1, 0], [1, 0, 0, 2]])
MOMENTS = torch.tensor([[3.0, 1, 1, 0], [1, 2, 1, 0], [1, 1, 3, 0], [0, 0, 0, 5]])
COSTS = [[6, 0, 1, 0], [0, 2, -1, 0], [1, -1, 6, 0], [0, 0, 0, 20]]


def lowest(costs: torch.Tensor) -> float:
    """The least error of all choices of half of the inputs."""
    halves = combinations(range(len(costs)), len(costs) // 2)
    return min(float(costs[list(half)][:, list(half)].sum()) for half in halves)


def random(rows: int, columns: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64)


def test_costs_of_pairs_of_inputs_by_hand():
    # Products of columns, 2 0 1 2 / 0 1 -1 0 / 1 -1 2 0 / 2 0 0 4, times the moments.
    assert pair_costs(WEIGHT, MOMENTS).tolist() == COSTS


def test_the_input_that_adds_least_goes_next_by_hand():
    # The second (2), then 6, 6 - 2 = 4 or 20: the third. Of all six pairs none costs less than 6.
    costs = torch.tensor(COSTS, dtype=torch.float32)
    assert least_error(costs) == lowest(costs) == 6


def test_half_of_three_inputs_is_one():
    assert least_error(torch.tensor([[4.0, 2, 0], [2, 3, 0], [0, 0, 36]])) == 3


def test_greedy_misses_a_pair_that_cancels_out():
    # The first goes first (1), and 2 with it; the other two together would cost 4 - 3.8.
    costs = torch.tensor([[1.0, 0, 0, 0], [0, 2, -1.9, 0], [0, -1.9, 2, 0], [0, 0, 0, 9]])
    assert least_error(costs) == 3
    assert lowest(costs) == pytest.approx(0.2)


def test_an_input_that_is_always_0_goes_for_nothing():
    inputs = random(20, 4, 0) * torch.tensor([1.0, 0, 1, 0])
    assert least_error(pair_costs(random(3, 4, 1), inputs.T @ inputs / 20)) == 0


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 8), st.integers(1, 12), st.integers(0, 10**6))
def test_greedy_is_never_below_brute_force(rows, columns, tokens, seed):
    inputs = random(tokens, columns, seed)
    costs = pair_costs(random(rows, columns, seed + 1), inputs.T @ inputs / tokens)
    assert least_error(costs) >= lowest(costs) - 1e-9


@settings(deadline=None)
@given(st.integers(1, 10), st.integers(0, 10**6))
def test_greedy_finds_the_least_where_inputs_are_uncorrelated(columns, seed):
    costs = pair_costs(random(3, columns, seed), torch.eye(columns, dtype=torch.float64))
    assert least_error(costs) == pytest.approx(lowest(costs))


def test_the_sum_over_pairs_is_the_change_of_the_output():
    weight, inputs = random(5, 9, 2), random(40, 9, 3)
    costs = pair_costs(weight, inputs.T @ inputs / 40)
    for dropped in ([0], [1, 4, 8], list(range(9))):
        change = inputs[:, dropped] @ weight[:, dropped].T
        found = float(costs[dropped][:, dropped].sum())
        assert found == pytest.approx(float((change**2).sum() / 40))


# Whole models.


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """A Llama of four blocks."""
    folder = tmp_path_factory.mktemp("deep")
    write_llama(folder / "model", num_hidden_layers=4)
    return with_windows(folder)


@cache
def expected_errors(folder, architecture) -> list[float]:
    """By plain passes in double precision, the outputs' changes added up token by token."""
    model = load_plainly(architecture, folder / "model", torch.float64)
    sets = {name: samples_of(folder, name) for name in ("de", "en", "fr-en")}
    modules = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and name != "lm_head"
    }
    return [block_error(model, block, sets) for block in by_block(modules)]


def found_errors(folder, batch_tokens: int = 48) -> np.ndarray:
    model = load_model(folder / "model")
    passes = BlockPasses(model, architecture_of(folder / "model"), CPU, 1e9)
    for path in calibration_files(folder, "windows"):
        tensors, ids = read_tensors(path)[0], read_tensors(path)[0]["input_ids"]
        lengths = tensors.get("lengths", np.full(len(ids), LENGTH))
        passes.enter(path, Windows(ids, lengths), batch_tokens)
    return block_errors(passes, ModelWeights(folder / "model"))


def test_errors_of_blocks_are_those_of_the_outputs(deep):
    expected = expected_errors(deep, "llama")
    assert len(set(expected)) == 4
    np.testing.assert_allclose(found_errors(deep), expected, rtol=1e-4)
    np.testing.assert_allclose(found_errors(deep, batch_tokens=12), expected, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["bloom", "gpt2"])
def test_biases_and_weights_stored_transposed(tmp_path, architecture):
    write_model(architecture, tmp_path / "model")
    folder = with_windows(tmp_path)
    np.testing.assert_allclose(
        found_errors(folder), expected_errors(folder, architecture), rtol=1e-4
    )


def blocks_of(path) -> list[dict]:
    return json.loads(read_tensors(path)[1]["blocks"])


def test_blocks_that_lose_little_keep_more_and_the_mean_stays(deep, monkeypatch, tmp_path):
    errors = np.array(expected_errors(deep, "llama"))
    blocks = blocks_of(prune(monkeypatch, deep, tmp_path / "mask", "lsa", 0.6))
    importance = [block["importance"] for block in blocks]
    np.testing.assert_allclose(importance, 1 - errors / errors.sum(), rtol=1e-4)
    targets = np.array([block["target"] for block in blocks])
    np.testing.assert_array_equal(np.argsort(targets), np.argsort(errors))
    assert np.ptp(targets) == pytest.approx(2 * METHODS["lsa"]["allocation"]["strength"])
    sizes = [block["parameters"] for block in blocks]
    assert np.average(targets, weights=sizes) == pytest.approx(0.6, abs=1e-9)


def test_a_contrast_set_has_no_part_in_the_errors(deep, monkeypatch, tmp_path):
    plain, contrast = (
        [block["target"] for block in blocks_of(prune(monkeypatch, deep, tmp_path / name, name))]
        for name in ("lsa", "lsa-contrast")
    )
    assert contrast == plain


def test_dense_statistics_are_refused(deep, monkeypatch, tmp_path):
    statistics = calibration_files(deep, "statistics")
    with pytest.raises(InputError, match=r"^--statistics: allocation lsa reads none; leave it out"):
        prune(monkeypatch, deep, tmp_path / "mask", "lsa", statistics=statistics)


def test_inputs_that_are_not_finite_name_their_matrix(tmp_path, monkeypatch):
    overflow(with_windows(write_bloom(tmp_path / "model").parent) / "model")
    with pytest.raises(InputError, match=r"^\S*query_key_value.weight: its weights or inputs are"):
        prune(monkeypatch, tmp_path, tmp_path / "mask", "lsa")


@pytest.mark.slow
def test_a_killed_job_goes_on_and_writes_the_same(deep, monkeypatch, tmp_path, capsys):
    words = arguments(deep, tmp_path / "killed", "lsa")
    assert run(words, KILLED.format(before="")).returncode == -signal.SIGKILL
    found = prune(monkeypatch, deep, tmp_path / "killed", "lsa")
    assert capsys.readouterr().out.count("by an earlier job") == 2
    whole = prune(monkeypatch, deep, tmp_path / "whole", "lsa")
    assert found.read_bytes() == whole.read_bytes()
