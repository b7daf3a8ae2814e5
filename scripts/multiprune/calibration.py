"""Calibration sampling: seeded windows of a fixed token length at random offsets."""

import hashlib

import numpy as np

from multiprune.errors import InputError


def sample_windows(
    tokens: np.ndarray, samples: int, length: int, seed: int, name: str
) -> np.ndarray:
    """Draw `samples` windows that do not overlap, uniformly among all such draws.

    tokens [n] -> int32 [samples, length], in the order of the text, no padding. `name` (the
    language) enters the random stream, so that languages are drawn independently. Raises InputError
    where the text is too short.
    """
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
    return tokens[starts[:, None] + np.arange(length)].astype(np.int32)
