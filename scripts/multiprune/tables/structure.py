"""The table `structure`: how alike the calibration languages use a model's channels."""

from itertools import combinations
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import CALIBRATION, Grid
from multiprune.files.tables import COLUMNS
from multiprune.statistics.files import StatisticsFiles
from multiprune.statistics.structure import correlations


def tabulate_structure(results: Path | str, model: str, grid: Grid) -> pd.DataFrame:
    """The table `structure`: a row per seed, depth and pair of calibration languages."""
    languages = sorted(name for name in grid.languages if grid.config_role(name) == CALIBRATION)
    rows = []
    for seed in sorted(grid.seeds) if len(languages) > 1 else []:
        folder = Path(results) / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in languages]) as files:
            names = files.languages
            for depth, matrix in correlations(files).items():
                rows += [
                    (model, seed, depth, *sorted((names[a], names[b])), matrix[a, b])
                    for a, b in combinations(range(len(names)), 2)
                ]
    return pd.DataFrame(rows, columns=COLUMNS["structure"])
