"""The table `correlation`: how alike languages are at every module input."""

from itertools import combinations
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import CALIBRATION, Grid
from multiprune.files.tables import COLUMNS
from multiprune.statistics.correlation import language_correlation
from multiprune.statistics.files import ModuleInput, StatisticsFiles


def tabulate_correlation(results: Path | str, model: str, grid: Grid) -> pd.DataFrame:
    """The table `correlation`: how alike the calibration languages use each module input.

    Empty with fewer than two languages; an empty cell where a language's norm is constant.
    """
    languages = sorted(name for name in grid.languages if grid.config_role(name) == CALIBRATION)
    pairs = list(combinations(range(len(languages)), 2))
    rows = []
    for seed in sorted(grid.seeds) if pairs else []:
        folder = Path(results) / model / f"seed{seed}" / "statistics"
        with StatisticsFiles([folder / f"{name}.safetensors" for name in languages]) as files:
            names = input_names(files.inputs)
            for module_input in files.inputs:
                matrix = language_correlation(files.read(module_input))
                key = (model, seed, module_input.block, names[module_input])
                rows += [(*key, languages[a], languages[b], matrix[a, b]) for a, b in pairs]
    return pd.DataFrame(rows, columns=COLUMNS["correlation"])


def input_names(inputs: list[ModuleInput]) -> dict[ModuleInput, str]:
    """The last part of each module's name; the last two where that is not unique in a block.

    GPT-2, for example, has attn.c_proj and mlp.c_proj.
    """
    last = {(i.block, i.name.split(".")[-1]) for i in inputs}
    parts = 1 if len(last) == len(inputs) else 2
    return {i: ".".join(i.name.split(".")[-parts:]) for i in inputs}
