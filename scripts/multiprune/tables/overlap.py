"""The table `overlap`: do calibration sets activate the same features most, and least?

As in the heatmap of Kim et al. (2024): a feature is an input channel of a module, its activation
the pooled norm over the tokens of one calibration set.
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.files.tables import COLUMNS
from multiprune.statistics.files import StatisticsFiles
from multiprune.tables.correlation import input_names

ENDS = ("top", "bottom")
KEY = ["model", "seed", "input", "end", "set_a", "set_b"]


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


def shared(chosen: np.ndarray) -> np.ndarray:
    """|A and B| / |A| for every two sets of equally many features. -> [sets, sets], ones on the
    diagonal; unrelated sets share |A| / channels on average."""
    members = chosen.astype(float)
    return members @ members.T / members[0].sum()


def tabulate_overlap(
    results: Path | str, model: str, grid: Grid, sets: list[str], share: float
) -> pd.DataFrame:
    """The table `overlap` of one model: mean over blocks for each kind of module input.

    `sets` are names of statistics files, in any order; each pair stands once. Empty with fewer
    than two sets.
    """
    if not 0 < share <= 0.5:
        raise InputError(f"--share: {share} found, more than 0 and at most 0.5 is allowed")
    pairs = list(combinations(range(len(set(sets))), 2))
    rows = []
    for seed in sorted(grid.seeds) if pairs else []:
        folder = Path(results) / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in set(sets)]) as files:
            names, labels = input_names(files.inputs), files.languages
            for module_input in files.inputs:
                norms = files.read(module_input).norms
                for end in ENDS:
                    chosen = features(norms, share, end)
                    overlap = shared(chosen)
                    key = (model, seed, names[module_input], end)
                    rows += [
                        (*key, *sorted((labels[a], labels[b])), overlap[a, b], chosen[0].mean())
                        for a, b in pairs
                    ]
    table = pd.DataFrame(rows, columns=COLUMNS["overlap"])
    return table.groupby(KEY, as_index=False)[["overlap", "chance"]].mean()
