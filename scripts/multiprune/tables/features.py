"""What the tables of features share: which ones a calibration set activates most, and least."""

import numpy as np

ENDS = ("top", "bottom")


def features(norms: np.ndarray, share: float, end: str) -> np.ndarray:
    """The `share` of channels with the highest or lowest norm in each set, at least one.

    norms [sets, channels] -> bool [sets, channels], round(share * channels) True in each row. Of
    equal norms the channel with the lower index is taken first.
    """
    count = max(1, round(share * norms.shape[1]))
    order = np.argsort(-norms if end == "top" else norms, axis=1, kind="stable")
    chosen = np.zeros(norms.shape, dtype=bool)
    np.put_along_axis(chosen, order[:, :count], True, axis=1)
    return chosen


def shared(features_a: np.ndarray, features_b: np.ndarray) -> np.ndarray:
    """|A and B| / |A| for the features of every two sets.

    bool [sets, channels] twice, equally many True in every row -> [sets a, sets b]; unrelated
    features share |B| / channels on average.
    """
    members = features_a.astype(float)
    return members @ features_b.T.astype(float) / members[0].sum()
