"""What jobs ask of a cluster, computed by hand."""

from types import SimpleNamespace

import pytest

from multiprune.experiment.resources import JobResources, growing
from multiprune.experiment.validation import validate
from unit.experiment.data import changed


def asked(*changes: tuple[str, object]) -> JobResources:
    return JobResources(validate(changed(*changes)))


def job(method: str = "wanda") -> SimpleNamespace:
    return SimpleNamespace(model="tiny", method=method)


@pytest.mark.parametrize(("dtype", "memory"), [("auto", 22_500), ("float32", 42_500)])
def test_memory_is_of_the_weights_a_quarter_more_and_what_python_takes(dtype, memory):
    """8e9 weights of 2 or 4 bytes: 16 or 32 GB."""
    sized = asked(("models/tiny/parameters", 8), ("models/tiny/dtype", dtype))
    assert sized.model_memory(job(), attempt=1) == memory
    assert sized.model_memory(job(), attempt=2) == 2 * memory


def test_a_sequential_job_holds_the_states_of_all_its_windows():
    """Two languages of 10 windows of 100 tokens, 2,048 channels of 2 bytes, a quarter more."""
    sized = asked(
        ("models/tiny/parameters", 1),
        ("calibration", {"samples": 10, "length": 100}),
    )
    states = sized.sequential_memory(job(), attempt=1) - sized.model_memory(job(), attempt=1)
    assert states == int(1.25 * 2 * 10 * 100 * 2048 * 2 / 1e6)
    update = sized.update_memory(job(), attempt=1) - sized.sequential_memory(job(), attempt=1)
    assert update == 1500


@pytest.mark.parametrize(("objective", "sets"), [("mean", 1), ("worst_language", 2)])
def test_masks_are_refined_by_second_moments_of_all_sets_or_of_each(objective, sets):
    """A billion parameters, two languages."""
    plain = {"score": "wanda", "propagation": "sequential"}
    refined = plain | {"refine": {"kind": "swaps", "objective": objective}}
    size = ("models/tiny/parameters", 1)
    with_it, without = (
        asked(size, ("methods/wanda", method)).sequential_memory(job(), attempt=1)
        for method in (refined, plain)
    )
    assert with_it - without == 260 * (sets + 1)


@pytest.mark.parametrize(("refine", "sets"), [(None, 1), ("mean", 1), ("worst_language", 2)])
def test_lsa_holds_second_moments_of_all_sets_and_takes_twice_the_time(refine, sets):
    """A billion parameters, two languages; the moments by which masks are refined come later."""
    plain = {"score": "wanda", "propagation": "sequential"}
    lsa = plain | {"allocation": {"kind": "lsa"}}
    if refine:
        lsa |= {"refine": {"kind": "swaps", "objective": refine}}
    size = ("models/tiny/parameters", 1)
    with_it, without = (asked(size, ("methods/wanda", method)) for method in (lsa, plain))
    more = with_it.sequential_memory(job(), 1) - without.sequential_memory(job(), 1)
    assert more == 260 * (sets + 1)
    assert [ask.sequential_minutes(job(), attempt=1) for ask in (with_it, without)] == [120, 60]


def test_time_grows_with_the_model():
    sized = asked(("models/tiny/parameters", 8))
    assert sized.model_minutes(job(), attempt=1) == 270


def test_what_grows_with_each_attempt():
    assert [growing(30)(None, attempt) for attempt in (1, 2, 3)] == [30, 60, 90]


def test_activations_in_whole_megabytes():
    assert asked(("compute", {"activation_memory_gb": 0.0015})).activation_mb == 2


@pytest.mark.parametrize(
    ("billions", "card", "gpus"), [(0.3, 80, 1), (13, 80, 1), (13, 24, 2), (70, 80, 3)]
)
def test_as_many_gpus_as_hold_the_weights(billions, card, gpus):
    """2 bytes a weight, in 85% of a card: 70 billion are 140 GB, three cards hold 204."""
    sized = asked(("models/tiny/parameters", billions), ("compute", {"gpu_memory_gb": card}))
    assert sized.gpus(job()) == gpus


@pytest.mark.parametrize("billions", [13, 70])
@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
def test_no_job_asks_for_more_time_than_the_config_allows(billions, attempt):
    sized = asked(("models/tiny/parameters", billions))
    assert sized.model_minutes(job(), attempt) == min(attempt * (30 + 30 * billions), 1440)
    shorter = asked(("models/tiny/parameters", billions), ("compute", {"most_minutes": 300}))
    assert shorter.model_minutes(job(), attempt) == 300
