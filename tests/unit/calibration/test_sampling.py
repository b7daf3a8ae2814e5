from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.calibration.sampling import sample_windows
from multiprune.errors import InputError


@settings(deadline=None)
@given(st.data(), st.integers(1, 8), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_windows_are_pieces_of_the_text_that_do_not_overlap(data, samples, length, seed):
    size = samples * length + data.draw(st.integers(0, 50))
    windows = sample_windows(np.arange(size), samples, length, seed, "fr")
    assert windows.shape == (samples, length)
    assert windows.dtype == np.int32
    starts = windows[:, 0]
    np.testing.assert_array_equal(windows, starts[:, None] + np.arange(length))
    assert (np.diff(starts) >= length).all()
    assert starts[0] >= 0
    assert windows[-1, -1] < size


def test_a_text_of_exactly_enough_tokens_is_taken_whole():
    windows = sample_windows(np.arange(12), 3, 4, seed=5, name="fr")
    assert windows.reshape(-1).tolist() == list(range(12))


def test_every_draw_is_possible_and_about_as_likely():
    # Two windows of 3 in 9 tokens: 10 ways to share 3 unused tokens out over three gaps.
    possible = {(a, b) for a, b in combinations(range(7), 2) if b - a >= 3}
    assert len(possible) == 10
    found = [
        tuple(sample_windows(np.arange(9), 2, 3, seed, "fr")[:, 0].tolist()) for seed in range(1000)
    ]
    assert set(found) == possible
    counts = [found.count(draw) for draw in possible]
    assert min(counts) > 60  # 100 are expected, 9.5 is a standard deviation
    assert max(counts) < 140


def test_seed_and_language_decide_the_draw():
    def draw(seed: int, name: str) -> list[int]:
        return sample_windows(np.arange(10_000), 4, 16, seed, name)[:, 0].tolist()

    assert draw(0, "fr") == draw(0, "fr")
    assert len({tuple(draw(seed, name)) for seed in (0, 1) for name in ("fr", "de")}) == 4


def test_too_little_text_names_both_numbers():
    expected = (
        r"^fr: the calibration text has 11 tokens, 3 windows of 4 need 12; "
        r"lower calibration\.samples or calibration\.length, or give more text$"
    )
    with pytest.raises(InputError, match=expected):
        sample_windows(np.arange(11), 3, 4, 0, "fr")


def test_windows_begin_with_the_start_tokens_and_keep_their_length():
    windows = sample_windows(np.arange(10, 16), 2, 4, seed=0, name="fr", start=[7])
    assert windows.tolist() == [[7, 10, 11, 12], [7, 13, 14, 15]]  # of six tokens, all are taken
    assert windows.dtype == np.int32
    two = sample_windows(np.arange(10, 14), 2, 4, seed=0, name="fr", start=[7, 8])
    assert two.tolist() == [[7, 8, 10, 11], [7, 8, 12, 13]]


def test_windows_without_room_beside_the_start_are_refused():
    with pytest.raises(InputError, match=r"^fr: a window of 2 tokens has no room beside the 2 "):
        sample_windows(np.arange(9), 1, 2, 0, "fr", start=[7, 8])
