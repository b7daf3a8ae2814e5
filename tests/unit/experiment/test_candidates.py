import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiprune.errors import InputError
from multiprune.experiment.candidates import candidates, constants_of, middle, with_constants

OPTIONS = {
    "score": "wanda",
    "scope": "row",
    "pattern": "unstructured",
    "propagation": "dense",
    "norm": {"kind": "cross_lingual", "dispersion": "std", "dispersion_weight": 0.25},
    "allocation": {"kind": "cwl", "direction": "keep_shared", "strength": 0.05, "mixed": False},
}
CHOOSE = {
    "allocation.strength": [0.02, 0.05, 0.1],
    "allocation.direction": ["keep_specific", "keep_shared"],
}


def test_constants_are_the_values_that_decide_no_more_than_numbers():
    assert constants_of(OPTIONS) == {
        "scope": "row",
        "norm.dispersion": "std",
        "norm.dispersion_weight": 0.25,
        "allocation.direction": "keep_shared",
        "allocation.strength": 0.05,
    }


def test_constants_are_set_in_a_copy():
    changed = with_constants(OPTIONS, {"allocation.strength": 0.1, "scope": "layer"})
    assert changed["allocation"] == {**OPTIONS["allocation"], "strength": 0.1}
    assert changed["scope"] == "layer"
    assert changed["norm"] == OPTIONS["norm"]
    assert OPTIONS["allocation"]["strength"] == 0.05


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("allocation.strenght", "did you mean 'allocation.strength'?"),
        ("norm.kind", "unknown constant 'norm.kind': allowed are allocation.direction, "),
        ("pattern", "unknown constant 'pattern'"),
        ("allocation", "unknown constant 'allocation'"),
        ("norm.dispersion.x", "unknown constant 'norm.dispersion.x'"),
    ],
)
def test_a_path_that_is_no_constant_is_refused(path, line):
    with pytest.raises(InputError) as error:
        candidates(OPTIONS, {path: [1.0]})
    assert line in str(error.value)


def test_simplest_first_then_as_listed():
    # The method itself; then one value changed, direction (its path sorts first) before strength
    # only where it stands earlier in its list; then both.
    assert [one.name for one in candidates(OPTIONS, CHOOSE)] == [
        "direction-keep_shared__strength-0.05",
        "direction-keep_specific__strength-0.05",
        "direction-keep_shared__strength-0.02",
        "direction-keep_shared__strength-0.1",
        "direction-keep_specific__strength-0.02",
        "direction-keep_specific__strength-0.1",
    ]


def test_values_under_their_paths():
    first = candidates(OPTIONS, CHOOSE)[0]
    assert first.constants == {"allocation.direction": "keep_shared", "allocation.strength": 0.05}


def test_paths_with_the_same_last_word_are_told_apart():
    options = {"norm": {"weight": 1.0}, "allocation": {"weight": 2.0}}
    names = [o.name for o in candidates(options, {"norm.weight": [1], "allocation.weight": [2]})]
    assert names == ["allocation.weight-2__norm.weight-1"]


def test_a_long_name_becomes_a_hash_that_depends_on_every_value():
    options = {f"constant_{i:02d}": 0.0 for i in range(10)}
    choose = {path: [0.0, 1.0] for path in options}
    names = [one.name for one in candidates(options, choose)]
    assert len(set(names)) == 2**10
    assert max(map(len, names)) < 40


def test_values_that_share_a_name_are_refused():
    with pytest.raises(InputError, match=r"allocation.strength: found \[0.1, 0.1000000001\], two"):
        candidates(OPTIONS, {"allocation.strength": [0.1, 0.1000000001]})


@given(st.permutations([0.02, 0.05, 0.1, 0.2]), st.permutations(["keep_shared", "keep_specific"]))
def test_the_order_of_lists_changes_only_the_order_among_equals(strengths, directions):
    choose = {"allocation.strength": strengths, "allocation.direction": directions}
    found = candidates(OPTIONS, choose)
    changes = [
        (one.constants["allocation.strength"] != 0.05)
        + (one.constants["allocation.direction"] != "keep_shared")
        for one in found
    ]
    assert changes == sorted(changes)
    assert {one.name for one in found} == {
        one.name
        for one in candidates(OPTIONS, {path: sorted(values) for path, values in choose.items()})
    }
    equals = [
        o.constants["allocation.strength"]
        for o in found
        if o.constants["allocation.direction"] == "keep_shared"
    ]
    assert equals == [0.05, *(value for value in strengths if value != 0.05)]


@given(st.randoms(use_true_random=False))
def test_the_order_of_paths_has_no_meaning(draw: random.Random):
    choose = {**CHOOSE, "norm.dispersion_weight": [0.0, 0.25]}
    paths = list(choose)
    draw.shuffle(paths)
    shuffled = {path: choose[path] for path in paths}
    assert candidates(OPTIONS, shuffled) == candidates(OPTIONS, choose)


@pytest.mark.parametrize(
    ("sparsities", "expected"),
    [([0.5], 0.5), ([0.6, 0.3, 0.5], 0.5), ([0.3, 0.5], 0.3), ([0.7, 0.5, 0.6, 0.4], 0.5)],
)
def test_the_middle_sparsity_is_the_lower_of_two(sparsities, expected):
    assert middle(sparsities) == expected
