"""RankC against rankings worked by hand."""

import math

import numpy as np
import pytest

from multiprune.evaluation.consistency import chance_consistency, rank_consistency

E1, E2, E3 = math.e, math.e**2, math.e**3
A, B, C, D = -1.0, -2.0, -3.0, -4.0  # log-likelihoods from best to worst


def consistency(first, second) -> float:
    return rank_consistency(np.array([first]), np.array([second]))[0]


def test_three_choices_by_hand():
    # rankings 0 1 2 and 1 0 2: common among the first 1, 2, 3: 0, 2, 3
    weights = np.array([E2, E1, 1]) / (E2 + E1 + 1)
    assert consistency([A, B, C], [B, A, C]) == pytest.approx(weights @ [0, 1, 1])
    # 0 1 2 and 2 1 0: 0, 1, 3
    assert consistency([A, B, C], [C, B, A]) == pytest.approx(weights @ [0, 1 / 2, 1])
    # 0 1 2 and 0 2 1: 1, 1, 3
    assert consistency([A, B, C], [A, C, B]) == pytest.approx(weights @ [1, 1 / 2, 1])


def test_four_choices_by_hand():
    # 0 1 2 3 and 2 0 3 1: common 0, 1, 2, 4 of 1, 2, 3, 4
    weights = np.array([E3, E2, E1, 1]) / (E3 + E2 + E1 + 1)
    assert consistency([A, B, C, D], [B, D, A, C]) == pytest.approx(weights @ [0, 1 / 2, 2 / 3, 1])


def test_equal_rankings_have_one_whatever_their_scores():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(50, 4))
    np.testing.assert_allclose(rank_consistency(scores, 3 * scores - 7), 1)
    other = rng.normal(size=(50, 4))
    np.testing.assert_allclose(rank_consistency(scores, other), rank_consistency(other, scores))
    order = [2, 0, 3, 1]  # renaming the choices in both languages changes nothing
    renamed = rank_consistency(scores[:, order], other[:, order])
    np.testing.assert_allclose(renamed, rank_consistency(scores, other))


def test_ascending_as_in_the_code_of_kim_et_al():
    """The same answer with the other two swapped, and other answers with the same last choice."""
    same_answer = np.array([[A, B, C]]), np.array([[A, C, B]])
    same_last = np.array([[A, B, C]]), np.array([[B, A, C]])
    for scores, descending, ascending in ((same_answer, 0.878, 0.335), (same_last, 0.335, 0.878)):
        assert rank_consistency(*scores)[0] == pytest.approx(descending, abs=5e-4)
        assert rank_consistency(*scores, ascending=True)[0] == pytest.approx(ascending, abs=5e-4)
    pairs = np.random.default_rng(0).normal(size=(2, 200, 2))
    assert np.array_equal(rank_consistency(*pairs), rank_consistency(*pairs, ascending=True))
    tied = rank_consistency(np.zeros((1, 3)), np.array([[C, B, A]]), ascending=True)
    assert tied[0] == pytest.approx(1)


def test_ties_rank_the_earlier_choice_first_in_both():
    assert consistency([A, A, A], [A, B, C]) == pytest.approx(1)


@pytest.mark.parametrize("choices", [2, 3, 4])
def test_chance_is_the_mean_over_random_rankings(choices):
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(2, 40_000, choices))
    assert rank_consistency(*scores).mean() == pytest.approx(chance_consistency(choices), abs=0.01)


def test_chance_of_two_choices_by_hand():
    assert chance_consistency(2) == pytest.approx((E1 / 2 + 1) / (E1 + 1))
