"""The table `allocation`: what each method took from each block, by the masks."""

import json
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.files.tensors import opened_tensors, read_metadata
from multiprune.files.writing import set_aside

COLUMNS = [
    "model", "seed", "method", "sparsity", "block", "parameters", "target", "achieved",
    "importance",
]  # fmt: skip
READS = ("masks",)
STANDARD = True
CAPTION = """\
What each mask took from each decoder block.

- **model, seed, method, sparsity**: the mask; sparsity is the requested share over all blocks.
- **block**: index from the embeddings. **parameters**: weights of the block that can be pruned.
- **target**: share that the allocation assigned to the block. **achieved**: share that was removed;
  rounding down to whole columns makes it slightly lower.
- **importance**: what the allocation was computed from (a higher value keeps more weights), empty
  for a uniform allocation.
"""


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per seed, method, sparsity and block."""
    rows = []
    for method, sparsity, seed in grid.pruned():
        folder = results / model / f"seed{seed}" / grid.artefact(method) / method
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
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("seed", kind="stable").reset_index(drop=True)
