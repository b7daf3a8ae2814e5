"""The table `structure`: how alike the calibration languages use a model's channels."""

from itertools import combinations
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import CALIBRATION, Grid
from multiprune.statistics.files import StatisticsFiles
from multiprune.statistics.structure import correlations

COLUMNS = ["model", "seed", "depth", "language_a", "language_b", "correlation"]
READS = ("statistics",)
STANDARD = False
TITLE = "Structure of languages"
PLACE = 50
CAPTION = """\
How alike two calibration languages use the channels of the dense model, by depth.

- **seed**: the calibration draw.
- **depth**: all blocks, or the early, middle or late third of them.
- **language_a, language_b**: the pair, each pair once.
- **correlation**: Pearson correlation over channels of the two languages' activation norms (root
  mean square of a channel over tokens), mean over module inputs, without those where a norm
  is constant; 0 where none is left.
"""


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per seed, depth and pair of calibration languages."""
    languages = sorted(name for name in grid.languages if grid.config_role(name) == CALIBRATION)
    rows = []
    for seed in sorted(grid.seeds) if len(languages) > 1 else []:
        folder = results / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in languages]) as files:
            names = files.languages
            for depth, matrix in correlations(files).items():
                rows += [
                    (model, seed, depth, *sorted((names[a], names[b])), matrix[a, b])
                    for a, b in combinations(range(len(names)), 2)
                ]
    return pd.DataFrame(rows, columns=COLUMNS)
