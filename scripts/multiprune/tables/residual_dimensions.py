"""The table `residual_dimensions`: the largest dimensions of the residual stream in every layer.

The second figure of Kim et al. (2024) shows them, of one set; here are means over sets.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.statistics.files import StatisticsFiles
from multiprune.tables.features import features

COLUMNS = ["model", "seed", "layer", "rank", "dimension", "norm", "median", "sets", "of_sets"]
READS = ("all_statistics",)
STANDARD = False
TITLE = "Largest dimensions"
PLACE = 77
CAPTION = """\
The twenty dimensions of the residual stream with the highest activation in each layer of the dense
model. The activation is the L2 norm over the positions of a window, mean over windows and
calibration sets.

- **model, seed**: where; seed is the calibration draw.
- **layer**: 0, the embeddings; b, the output of block b, counted from 1 (the last one behind the
  final norm).
- **rank**: 1, the highest, to 20.
- **dimension**: the dimension, counted from 0.
- **norm**: its activation.
- **median**: that of the median dimension of the layer.
- **sets, of_sets**: in how many calibration sets it is among the twenty highest, and how many there
  are.
"""

LARGEST = 20


def tabulate(results: Path, model: str, grid: Grid, largest: int = LARGEST) -> pd.DataFrame:
    """A row per seed, layer and rank."""
    sets, rows = sorted(grid.calibration_sets), []
    for seed in sorted(grid.seeds) if sets else []:
        folder = results / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in sets]) as files:
            for layer in range(files.residual_layers):
                norms = files.read_residual(layer)
                mean = norms.mean(axis=0)
                among = features(norms, largest / len(mean), "top").sum(axis=0)
                order = np.argsort(-mean, kind="stable")[:largest]
                rows += [
                    (model, seed, layer, rank, d, mean[d], np.median(mean), among[d], len(sets))
                    for rank, d in enumerate(order, start=1)
                ]
    return pd.DataFrame(rows, columns=COLUMNS)
