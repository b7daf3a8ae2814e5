import pytest

from multiprune.errors import InputError
from multiprune.registry import Registry, unknown_name


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
