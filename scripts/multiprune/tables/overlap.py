"""The table `overlap`: do calibration sets activate the same features most, and least?

A feature is an input channel of a module, its activation the pooled norm over the tokens of one
calibration set. `residual_overlap` is the heatmap of Kim et al. (2024).
"""

from itertools import combinations
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.statistics.files import StatisticsFiles, input_names
from multiprune.tables.features import ENDS, features, shared

COLUMNS = ["model", "seed", "input", "end", "set_a", "set_b", "overlap", "chance"]
READS = ("all_statistics",)
STANDARD = False
TITLE = "Overlap of features"
PLACE = 75
CAPTION = """\
How much of their most and least activated features two calibration sets have in common, in the
dense model. A feature is an input channel of a module; its activation is the root mean square over
the tokens of a calibration set.

- **model, seed**: where; seed is the calibration draw.
- **input**: the first module that reads this input (q_proj stands for q, k and v; gate_proj for
  gate and up).
- **end**: top or bottom, the channels with the highest or the lowest activation.
- **set_a, set_b**: the two calibration sets, each pair once. fr: plain text of a language; en-fr:
  translation demonstrations; fr-fr: monolingual demonstrations in the same format; code: Python
  code.
- **overlap**: share of the features of one set that are also features of the other, mean over
  blocks; 1 means the same features.
- **chance**: the overlap to expect of two unrelated sets, which is the share of channels taken.
"""

SHARE = 0.1  # of the channels are top features, and as many bottom ones
KEY = ["model", "seed", "input", "end", "set_a", "set_b"]


def tabulate(results: Path, model: str, grid: Grid, share: float = SHARE) -> pd.DataFrame:
    """A row per seed, kind of module input, end and pair of calibration sets: means over blocks.

    Each pair stands once. Empty with fewer than two sets.
    """
    sets = sorted(grid.calibration_sets)
    pairs = list(combinations(range(len(sets)), 2))
    rows = []
    for seed in sorted(grid.seeds) if pairs else []:
        folder = results / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in sets]) as files:
            names, labels = input_names(files.inputs), files.languages
            for module_input in files.inputs:
                norms = files.read(module_input).norms
                for end in ENDS:
                    chosen = features(norms, share, end)
                    overlap = shared(chosen, chosen)
                    key = (model, seed, names[module_input], end)
                    rows += [
                        (*key, *sorted((labels[a], labels[b])), overlap[a, b], chosen[0].mean())
                        for a, b in pairs
                    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.groupby(KEY, as_index=False)[["overlap", "chance"]].mean()
