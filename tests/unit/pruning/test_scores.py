import numpy as np
import pytest
import torch

from multiprune.errors import InputError
from multiprune.registry import find, names

drop_largest, magnitude, random, ria, wanda = (
    find("pruning.scores", name).score
    for name in ("drop_largest", "magnitude", "random", "ria", "wanda")
)
WEIGHT = torch.tensor([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]])


def test_magnitude_is_the_absolute_value_whatever_the_norm():
    expected = [[1, 2, 3], [4, 5, 6]]
    assert magnitude(WEIGHT).tolist() == expected
    assert magnitude(WEIGHT, torch.tensor([9.0, 0.0, 1.0])).tolist() == expected


def test_wanda_multiplies_each_column_by_its_norm():
    assert wanda(WEIGHT, torch.tensor([2.0, 0.5, 1.0])).tolist() == [[2, 1, 3], [8, 2.5, 6]]


def test_ria_adds_the_shares_in_column_and_row():
    # Column sums 5, 7, 9; row sums 6, 15; roots of the norm 2, 1/2, 1.
    expected = [
        [(1 / 5 + 1 / 6) * 2, (2 / 7 + 2 / 6) / 2, 3 / 9 + 3 / 6],
        [(4 / 5 + 4 / 15) * 2, (5 / 7 + 5 / 15) / 2, 6 / 9 + 6 / 15],
    ]
    found = ria(WEIGHT, torch.tensor([4.0, 0.25, 1.0]))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(found[:, 0], [11 / 15, 32 / 15], rtol=1e-6)


@pytest.mark.parametrize(("exponent", "factor"), [(0.0, 1.0), (1.0, 4.0), (2.0, 16.0)])
def test_ria_exponent_is_the_power_of_the_norm(exponent, factor):
    found = ria(WEIGHT, torch.full((3,), 4.0), ria_exponent=exponent)
    np.testing.assert_allclose(found[0, 2], (3 / 9 + 3 / 6) * factor, rtol=1e-6)


def test_ria_of_a_zero_row_or_column_is_zero():
    weight = torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    assert ria(weight, torch.ones(2)).tolist() == [[0, 0], [0, 2]]


@pytest.mark.parametrize("score", [wanda, ria])
def test_a_silent_channel_scores_zero(score):
    found = score(WEIGHT, torch.tensor([1.0, 0.0, 1.0]))
    assert found[:, 1].tolist() == [0, 0]


@pytest.mark.parametrize("score", [magnitude, wanda, ria])
def test_signs_do_not_matter(score):
    norm = torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(score(WEIGHT, norm), score(-WEIGHT, norm))


def test_drop_largest_is_the_reverse_of_wanda():
    found = drop_largest(WEIGHT, torch.tensor([2.0, 0.5, 1.0]))
    assert found.tolist() == [[-2, -1, -3], [-8, -2.5, -6]]


def test_random_numbers_are_the_same_again_and_others_for_each_seed_and_matrix():
    weight = torch.ones(40, 50)
    found = random(weight)
    assert found.shape == weight.shape
    assert torch.equal(random(weight.clone()), found)
    assert 0 <= found.min() < 0.01
    assert 0.99 < found.max() < 1
    assert abs(float(found.mean()) - 0.5) < 0.03
    others = [random(weight, mask_seed=1), random(2 * weight), random(torch.ones(50, 40)).T]
    for other in others:
        assert abs(float(torch.corrcoef(torch.stack([found, other]).flatten(1))[0, 1])) < 0.1


def test_every_score_is_tested():
    assert names("pruning.scores") == ["drop_largest", "magnitude", "random", "ria", "wanda"]


def test_unknown_score_names_the_nearest():
    with pytest.raises(InputError, match=r"unknown score 'wnada'.*did you mean 'wanda'\?"):
        find("pruning.scores", "wnada")
