"""Calibration sampling: seeded windows of a fixed token length at random offsets."""

import hashlib
from collections.abc import Sequence

import numpy as np

from multiprune.errors import InputError


def sample_windows(
    tokens: np.ndarray,
    samples: int,
    length: int,
    seed: int,
    name: str,
    start: Sequence[int] = (),
) -> np.ndarray:
    """Draw `samples` windows that do not overlap, uniformly among all such draws.

    tokens [n] -> int32 [samples, length], in the order of the text, no padding. Each window begins
    with the `start` tokens, which its length includes. `name` (the language) enters the random
    stream, so that languages are drawn independently. Raises InputError where the text is too
    short, or the window for its start.
    """
    if length <= len(start):
        raise InputError(
            f"{name}: a window of {length} tokens has no room beside the {len(start)} that the "
            "tokenizer begins a text with; raise calibration.length"
        )
    length -= len(start)
    needed = samples * length
    if len(tokens) < needed:
        raise InputError(
            f"{name}: the calibration text has {len(tokens)} tokens, {samples} windows of {length} "
            f"need {needed}; lower calibration.samples or calibration.length, or give more text"
        )
    digest = hashlib.sha256(name.encode()).digest()
    random = np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
    # Sorted positions among the unused tokens, each pushed back by the windows before it.
    gaps = np.sort(random.choice(len(tokens) - needed + samples, samples, replace=False))
    starts = gaps + np.arange(samples) * (length - 1)
    text = tokens[starts[:, None] + np.arange(length)]
    return np.hstack([np.tile(start, (samples, 1)), text]).astype(np.int32)
