"""Pruning by patterns n:m, of whole models."""

import numpy as np
import pytest

from multiprune.errors import InputError
from multiprune.pruning.pruner import block_targets
from unit.pruning.data import (
    METHODS,
    OWL,
    TOKENS,
    WANDA,
    input_sums,
    kept,
    llama_weights,
    prune,
)


def plain_groups(scores, dropped, size):
    """Drop the `dropped` lowest of each group of `size` columns, ties by lowest column first."""
    keep = np.ones(scores.shape, dtype=np.uint8)
    for row, values in enumerate(scores):
        for start in range(0, len(values), size):
            lowest = np.argsort(values[start : start + size], kind="stable")[:dropped]
            keep[row, start + lowest] = 0
    return keep


def test_wanda_2_4_equals_plain_numpy(llama):
    found = kept(prune(llama, {**WANDA, "pattern": "2:4"}, 0.5))
    for name, weight in llama_weights(llama).items():
        norm = np.sqrt(input_sums(llama, name, "sum_sq").sum(axis=0) / TOKENS.sum())
        expected = plain_groups(np.abs(weight) * norm, 2, 4)
        np.testing.assert_array_equal(found[name], expected, err_msg=name)


@pytest.mark.parametrize("folder", ["llama", "gpt2", "bloom"])
@pytest.mark.parametrize(("dropped", "size"), [(2, 4), (4, 8), (1, 2), (3, 16)])
@pytest.mark.parametrize("name", ["magnitude", "ria", "wanda"])
def test_every_group_of_inputs_keeps_m_minus_n(folder, dropped, size, name, request):
    pruned = prune(
        request.getfixturevalue(folder),
        {**METHODS[name], "pattern": f"{dropped}:{size}"},
        dropped / size,
    )
    for parameter, keep in kept(pruned).items():
        by_output = keep.T if folder == "gpt2" else keep
        groups = by_output.reshape(-1, size).sum(axis=1)
        assert (groups == size - dropped).all(), parameter
    assert pruned.achieved_sparsity == dropped / size


@pytest.mark.parametrize("name", ["m-ria", "m-wanda", "owl", "specific"])
def test_mixed_blocks_differ_in_n_and_keep_the_mean(llama, name):
    method = METHODS[name]
    allocation = {**method["allocation"], "strength": 0.3, "mixed": True}
    pruned = prune(llama, {**method, "pattern": "4:8", "allocation": allocation}, 0.5)
    # Densities 0.2 and 0.8: 6.4 and 1.6 of 8 go, which is rounded to 6 and 2.
    by_importance = sorted(pruned.blocks, key=lambda block: block.importance)
    assert [block.target for block in by_importance] == [0.75, 0.25]
    dropped = {block.block: round(8 * block.target) for block in pruned.blocks}
    for parameter, keep in kept(pruned).items():
        groups = keep.reshape(-1, 8).sum(axis=1)
        assert (groups == 8 - dropped[int(parameter.split(".")[2])]).all(), parameter
    assert pruned.achieved_sparsity == 0.5


def test_without_mixed_every_block_has_the_same_n(llama):
    allocation = {**OWL, "strength": 0.5}
    pruned = prune(llama, {**WANDA, "pattern": "4:8", "allocation": allocation}, 0.5)
    assert [block.target for block in pruned.blocks] == [0.5, 0.5]


def test_a_matrix_that_groups_do_not_fill_is_one_line(llama):
    expected = r"^model\.layers\.0\.mlp\.gate_proj\.weight: has 32 columns, which cannot be cut"
    with pytest.raises(InputError, match=expected):  # 48 columns, of the down projection, could
        prune(llama, {**WANDA, "pattern": "1:3"}, 0.333333)


def test_the_sparsity_of_a_pattern_is_exact_though_paths_have_six_digits(llama):
    method = {**WANDA, "pattern": "1:3"}
    assert block_targets(method, np.zeros(2), np.ones(2), 0.333333).tolist() == [1 / 3, 1 / 3]
    with pytest.raises(InputError, match=r"^--sparsity 0\.4: the pattern 2:4 drops 0\.5$"):
        prune(llama, {**WANDA, "pattern": "2:4"}, 0.4)
