"""The table `allocation`: what each method took from each block, by the records of the masks."""

from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.files.aside import set_aside
from multiprune.files.json import read_json

COLUMNS = [
    "model", "seed", "method", "sparsity", "block", "parameters", "target", "achieved",
    "importance",
]  # fmt: skip
READS = ("masks",)
STANDARD = True
TITLE = "Sparsity by block"
PLACE = 60
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
        path = folder / f"{sparsity}.json"
        record = read_json(path)
        key = {"model": model, "seed": seed, "method": method, "sparsity": sparsity}
        try:
            rows += [
                key
                | {name: block[name] for name in ("block", "parameters", "target", "importance")}
                | {"achieved": block["sparsity"]}
                for block in record["blocks"]
            ]
        except (KeyError, TypeError) as error:
            set_aside(path, f"has no readable `blocks` ({error})")
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("seed", kind="stable").reset_index(drop=True)
