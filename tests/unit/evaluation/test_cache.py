import pytest

from multiprune.errors import InputError
from multiprune.evaluation.cache import EvaluationCache
from multiprune.files.json import read_json, write_json

KEY = {
    "measure": "perplexity",
    "mask": None,
    "tokens": "abc",
    "length": 128,
    "versions": {"x": "1"},
}
RECORD = {"window_nll": [0.1, 1 / 3, 1e-17]}


class Computation:
    """Gives a record and counts how often it was asked for."""

    def __init__(self, record: dict):
        self.record = record
        self.calls = 0

    def __call__(self) -> dict:
        self.calls += 1
        return self.record


@pytest.fixture
def computation():
    return Computation(RECORD)


def test_computed_once_and_then_found(tmp_path, computation):
    cache = EvaluationCache(tmp_path / "cache", "c0de")
    assert cache.get_or_compute(KEY, computation) == (RECORD, False)
    assert cache.get_or_compute(dict(reversed(KEY.items())), computation) == (RECORD, True)
    assert EvaluationCache(tmp_path / "cache", "c0de").get_or_compute(KEY, computation) == (
        RECORD,
        True,
    )
    assert computation.calls == 1


@pytest.mark.parametrize(
    "change",
    [
        {"mask": "m"},
        {"tokens": "abd"},
        {"length": 64},
        {"versions": {"x": "2"}},
        {"device": "cpu"},
        {"measure": "downstream"},
    ],
)
def test_anything_else_is_another_record(tmp_path, computation, change):
    cache = EvaluationCache(tmp_path, "c0de")
    cache.get_or_compute(KEY, computation)
    other = Computation({"window_nll": [9.0]})
    assert cache.get_or_compute({**KEY, **change}, other) == (other.record, False)
    assert cache.get_or_compute(KEY, computation) == (RECORD, True)


def test_a_failed_computation_keeps_nothing(tmp_path, computation):
    def fails() -> dict:
        raise InputError("out of memory")

    cache = EvaluationCache(tmp_path / "cache", "c0de")
    with pytest.raises(InputError, match="out of memory"):
        cache.get_or_compute(KEY, fails)
    assert list(tmp_path.iterdir()) == []
    assert cache.get_or_compute(KEY, computation) == (RECORD, False)


def test_what_is_no_number_is_not_kept(tmp_path):
    cache = EvaluationCache(tmp_path, "c0de")
    with pytest.raises(ValueError, match="not JSON compliant"):
        cache.get_or_compute(KEY, Computation({"window_nll": [float("nan")]}))
    assert list(tmp_path.iterdir()) == []


def test_a_broken_record_is_set_aside_and_computed_again(tmp_path, computation):
    cache = EvaluationCache(tmp_path, "c0de")
    cache.get_or_compute(KEY, computation)
    [path] = tmp_path.glob("*.json")
    path.write_text('{"depends_on"')
    with pytest.raises(InputError, match=r"set aside as .*\.json\.corrupt, run the same command"):
        cache.get_or_compute(KEY, computation)
    assert cache.get_or_compute(KEY, computation) == (RECORD, False)


def test_a_record_under_the_wrong_name_is_not_believed(tmp_path, computation):
    cache = EvaluationCache(tmp_path, "c0de")
    cache.get_or_compute(KEY, computation)
    [path] = tmp_path.glob("*.json")
    content = read_json(path)
    write_json(path, content | {"depends_on": content["depends_on"] | {"mask": "abx"}})
    assert cache.get_or_compute(KEY, computation) == (RECORD, False)
    assert cache.get_or_compute(KEY, computation) == (RECORD, True)


def test_a_record_names_the_card_which_decides_nothing(tmp_path):
    cards = [{"card": "H100", "driver": "580", "cuda": "13.0"}, {"card": "A100"}]
    one, other = (EvaluationCache(tmp_path, "c0de", card) for card in cards)
    assert one.get_or_compute(KEY, lambda: {"score": 1}) == (
        {"score": 1, "computed_on": cards[0]},
        False,
    )
    assert other.get_or_compute(KEY, lambda: {"score": 2}) == (
        {"score": 1, "computed_on": cards[0]},
        True,
    )
