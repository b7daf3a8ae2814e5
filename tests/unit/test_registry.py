import pytest

from multiprune.errors import InputError
from multiprune.registry import Registry, constants, find, names, unknown_name


@pytest.fixture
def scores():
    registry = Registry("score")
    registry.register("wanda")(lambda: 1)
    registry.register("ria")(lambda: 2)
    return registry


def test_names_lead_to_functions(scores):
    assert (scores["wanda"](), scores["ria"]()) == (1, 2)
    assert list(scores) == ["wanda", "ria"]


def test_registering_hands_back_the_function():
    def score() -> int:
        return 3

    assert Registry("score").register("new")(score) is score


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wnada", "unknown score 'wnada': allowed are ria, wanda; did you mean 'wanda'?"),
        ("sparsegpt", "unknown score 'sparsegpt': allowed are ria, wanda"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_list(scores, name, message):
    with pytest.raises(InputError) as error:
        scores[name]
    assert str(error.value) == message


def test_names_that_are_not_text_are_answered_too():
    assert unknown_name("role", None, ["a", "b"]) == "unknown role None: allowed are a, b"


def test_a_file_is_an_alternative():
    assert names("pruning.norms") == ["contrast", "cross_lingual", "pooled"]
    assert find("pruning.norms", "pooled").__name__ == "multiprune.pruning.norms.pooled"


def test_an_unknown_alternative_is_one_line_with_the_nearest():
    with pytest.raises(InputError) as error:
        find("pruning.norms", "pool")
    assert str(error.value) == (
        "unknown norm 'pool': allowed are contrast, cross_lingual, pooled; did you mean 'pooled'?"
    )


def test_constants_are_read_without_an_import():
    assert constants("pruning.norms", "contrast") == {"FLOOR": 1e-6}
    assert names("pruning.norms", having="FLOOR") == ["contrast"]
