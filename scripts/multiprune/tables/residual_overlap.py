"""The table `residual_overlap`: what is a top feature of one set and a bottom feature of another.

The heatmap of Kim et al. (2024), as their code computes it: a feature is a dimension of the
residual stream, its activation the mean over samples of the L2 norm over positions, of which
padding is none here.
"""

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.statistics.files import StatisticsFiles
from multiprune.tables.features import ENDS, features, shared

COLUMNS = ["model", "seed", "set_a", "set_b", "overlap", "chance"]
READS = ("all_statistics",)
STANDARD = False
TITLE = "Top against bottom features"
PLACE = 76
CAPTION = """\
How many of the most activated features of one calibration set are among the least activated ones
of another, in the dense model. A feature is a dimension of the residual stream; its activation is
the L2 norm over the positions of a window, mean over windows.

- **model, seed**: where; seed is the calibration draw.
- **set_a, set_b**: the set whose top features are meant, and the one whose bottom features are;
  each two sets stand in both orders. fr: plain text of a language; en-fr: translation
  demonstrations; fr-fr: monolingual demonstrations in the same format; code: Python code.
- **overlap**: share of the top features of set_a that are bottom features of set_b, mean over the
  embeddings and the outputs of all blocks; 0 means that no feature changes sides.
- **chance**: the overlap to expect of two unrelated sets, which is the share of dimensions taken.
"""

SHARE = 0.4  # of the dimensions are top features, and as many bottom ones: as in their code


def tabulate(results: Path, model: str, grid: Grid, share: float = SHARE) -> pd.DataFrame:
    """A row per seed and ordered pair of calibration sets; empty with fewer than two sets."""
    sets, rows = sorted(grid.calibration_sets), []
    for seed in sorted(grid.seeds) if len(sets) > 1 else []:
        folder = results / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in sets]) as files:
            labels, overlaps, chances = files.languages, [], []
            for layer in range(files.residual_layers):
                top, bottom = (features(files.read_residual(layer), share, end) for end in ENDS)
                overlaps.append(shared(top, bottom))
                chances.append(top[0].mean())
        overlap, chance = np.mean(overlaps, axis=0), np.mean(chances)
        rows += [
            (model, seed, labels[a], labels[b], overlap[a, b], chance)
            for a, b in permutations(range(len(sets)), 2)
        ]
    return pd.DataFrame(rows, columns=COLUMNS)
