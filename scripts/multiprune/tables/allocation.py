"""The tables `allocation` and `correlation`: what masks and statistics say block by block."""

import json
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.files.tables import COLUMNS
from multiprune.files.tensors import opened_tensors, read_metadata
from multiprune.files.writing import set_aside


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
