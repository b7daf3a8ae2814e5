"""Which calibration languages a method takes, where it names none but says how to choose them.

Plain Python, since every job on a cluster parses the workflow again.
"""

import hashlib
from collections.abc import Mapping, Sequence

RANDOM, GREEDY, LARGEST = "random", "greedy", "largest"
# The key of a method's `calibration` that asks for each, with the number of languages.
CHOICES = {"sample": RANDOM, "greedy": GREEDY, "largest": LARGEST}


def choice(calibration: object) -> tuple[str, int] | None:
    """How many languages are chosen, and how; None where they are listed, or all are taken."""
    if not isinstance(calibration, Mapping):
        return None
    return next((CHOICES[key], calibration[key]) for key in CHOICES if key in calibration)


def sample(pool: Sequence[str], size: int, seed: int) -> list[str]:
    """`size` languages of the pool, at random: those whose hash with the seed is lowest; sorted.

    Samples of one seed are nested, whatever their sizes. A language that is added to the pool
    changes a sample only if it comes into it, with probability size / pool.
    """
    return sorted(sorted(pool, key=lambda code: _rank(code, seed))[:size])


def _rank(code: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {code}".encode()).hexdigest()


def largest(speakers: Mapping[str, int], size: int) -> list[str]:
    """The `size` languages of most speakers, of equals the first by code; sorted."""
    return sorted(sorted(speakers, key=lambda code: (-speakers[code], code))[:size])
