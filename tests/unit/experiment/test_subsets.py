"""Samples of languages by hash, and the languages of most speakers."""

import hashlib
import string
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiprune.experiment.subsets import GREEDY, LARGEST, RANDOM, choice, largest, sample

CODES = st.text(string.ascii_lowercase, min_size=2, max_size=3)
POOLS = st.lists(CODES, unique=True, min_size=1, max_size=30)
SEEDS = st.integers(0, 2**32 - 1)
TEN = ["ar", "de", "en", "fr", "hi", "ru", "sw", "tr", "vi", "zh"]


def by_hash(pool: list[str], seed: int) -> list[str]:
    """The pool by SHA-256 of `seed code`, as sha256sum prints it for the same bytes."""
    hashes = {hashlib.sha256(b"%d %s" % (seed, code.encode())).hexdigest(): code for code in pool}
    return [hashes[digest] for digest in sorted(hashes)]


def test_samples_that_results_have_been_computed_with():
    """Another order of the languages would give other results the same names."""
    # By `printf '0 de' | sha256sum` and so on: de 1ef04d, hi 369104, fr 491894, vi a5aa5a, ...
    assert sample(TEN, 3, 0) == ["de", "fr", "hi"]
    # ru 20cea0, hi 4a5ecd, en 4f2475, ar 68692d, ...
    assert sample(TEN, 3, 1) == ["en", "hi", "ru"]


@given(POOLS, SEEDS, st.data())
def test_a_sample_holds_the_languages_of_lowest_hash_sorted(pool, seed, data):
    size = data.draw(st.integers(0, len(pool)))
    assert sample(pool, size, seed) == sorted(by_hash(pool, seed)[:size])


@given(POOLS, SEEDS, st.data())
def test_samples_of_one_seed_are_nested(pool, seed, data):
    sizes = sorted(data.draw(st.lists(st.integers(1, len(pool)), min_size=2, max_size=4)))
    samples = [set(sample(pool, size, seed)) for size in sizes]
    assert [len(one) for one in samples] == sizes
    assert all(small <= big for small, big in pairwise(samples))
    assert samples[-1] <= set(pool)


@given(POOLS, SEEDS, st.randoms(use_true_random=False), st.data())
def test_the_order_of_the_pool_does_not_matter(pool, seed, draw, data):
    size = data.draw(st.integers(1, len(pool)))
    turned = draw.sample(pool, len(pool))
    assert sample(turned, size, seed) == sample(pool, size, seed) == sample(pool, size, seed)


@given(st.lists(CODES, unique=True, min_size=2, max_size=30), SEEDS, st.data())
def test_a_language_that_is_added_changes_a_sample_only_by_coming_in(pool, seed, data):
    *pool, new = pool
    size = data.draw(st.integers(1, len(pool)))
    before, after = set(sample(pool, size, seed)), set(sample([*pool, new], size, seed))
    if new in after:
        assert len(after - before) == len(before - after) == 1
        assert after - {new} <= before
    else:
        assert after == before


def test_seeds_give_other_samples_in_which_all_languages_are_as_likely():
    samples = [sample(TEN, 3, seed) for seed in range(3000)]
    # 120 subsets of three: 3,000 draws meet all of them, but for one in 10^9 cases.
    assert len(set(map(tuple, samples))) == 120
    drawn = Counter(code for one in samples for code in one)
    # Binomial(3000, 0.3): mean 900, standard deviation 25.1.
    assert all(abs(drawn[code] - 900) < 4 * 25.1 for code in TEN)


def test_a_new_language_comes_in_as_often_as_its_share_of_the_pool():
    came = sum("xx" in sample([*TEN, "xx"], 4, seed) for seed in range(3000))
    # Binomial(3000, 4 / 11): mean 1091, standard deviation 26.3.
    assert abs(came - 1091) < 4 * 26.3


SPEAKERS = {"en": 1500, "zh": 1100, "hi": 600, "es": 550, "fr": 300, "ar": 300, "bn": 300}


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        (1, ["en"]),
        (3, ["en", "hi", "zh"]),
        (5, ["ar", "en", "es", "hi", "zh"]),  # ar, bn and fr tie: the first by code
        (6, ["ar", "bn", "en", "es", "hi", "zh"]),
        (7, ["ar", "bn", "en", "es", "fr", "hi", "zh"]),
    ],
)
def test_the_largest_are_those_of_most_speakers_ties_by_code(size, taken):
    assert largest(SPEAKERS, size) == taken
    assert largest(dict(reversed(SPEAKERS.items())), size) == taken


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        ({"sample": 4}, (RANDOM, 4)),
        ({"seed": 3, "sample": 4}, (RANDOM, 4)),
        ({"greedy": 2}, (GREEDY, 2)),
        ({"largest": 8}, (LARGEST, 8)),
        (["de", "en"], None),
        ([], None),
        (None, None),
    ],
)
def test_how_a_method_chooses_its_languages(calibration, expected):
    assert choice(calibration) == expected
