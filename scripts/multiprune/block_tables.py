"""The tables `allocation` and `correlation`: what masks and statistics say block by block."""

import json
from itertools import combinations
from pathlib import Path

import pandas as pd

from multiprune.artefacts import opened_tensors, read_metadata, set_aside
from multiprune.grid import CALIBRATION, Grid
from multiprune.norms import language_correlation
from multiprune.statistics_files import ModuleInput, StatisticsFiles
from multiprune.table_files import COLUMNS


def tabulate_allocation(results: Path | str, model: str, grid: Grid) -> pd.DataFrame:
    """The table `allocation`: what each method took from each block."""
    rows = []
    for method, sparsity, seed in grid.pruned():
        folder = Path(results) / model / f"seed{seed}" / grid.artefact(method) / method
        path = folder / f"{sparsity}.safetensors"
        with opened_tensors(path) as file:
            metadata = read_metadata(file)
        key = {"model": model, "seed": seed, "method": method, "sparsity": sparsity}
        try:
            rows += [
                key
                | {name: block[name] for name in ("block", "parameters", "target", "importance")}
                | {"achieved": block["sparsity"]}
                for block in json.loads(metadata["blocks"])
            ]
        except (KeyError, TypeError, ValueError) as error:
            set_aside(path, f"has no readable `blocks` in its metadata ({error})")
    table = pd.DataFrame(rows, columns=COLUMNS["allocation"])
    return table.sort_values("seed", kind="stable").reset_index(drop=True)


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
