"""The table `correlation`: how alike languages are at every module input."""

from itertools import combinations
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import CALIBRATION, Grid
from multiprune.statistics.correlation import language_correlation
from multiprune.statistics.files import StatisticsFiles, input_names

COLUMNS = ["model", "seed", "block", "input", "language_a", "language_b", "correlation"]
READS = ("statistics",)
STANDARD = False
TITLE = "Correlation of languages"
PLACE = 70
CAPTION = """\
How alike two calibration languages use the input channels of a module of the dense model.

- **model, seed, block**: where; seed is the calibration draw.
- **input**: the first module that reads this input (q_proj stands for q, k and v; gate_proj for
  gate and up).
- **language_a, language_b**: the pair, each pair once.
- **correlation**: Pearson correlation over channels of the two languages' activation norms
  (root mean square of a channel over tokens); empty where a norm is constant.
"""


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per seed, module input and pair of calibration languages.

    Empty with fewer than two languages; an empty cell where a language's norm is constant.
    """
    languages = sorted(name for name in grid.languages if grid.config_role(name) == CALIBRATION)
    pairs = list(combinations(range(len(languages)), 2))
    rows = []
    for seed in sorted(grid.seeds) if pairs else []:
        folder = results / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in languages]) as files:
            names = input_names(files.inputs)
            for module_input in files.inputs:
                matrix = language_correlation(files.read(module_input))
                key = (model, seed, module_input.block, names[module_input])
                rows += [(*key, languages[a], languages[b], matrix[a, b]) for a, b in pairs]
    return pd.DataFrame(rows, columns=COLUMNS)
