"""How many scores of a dequantised model tie at the threshold of their row.

    python benchmarks/ties.py results/demo gemma-3-270m

Weights that were stored in 4 bits take few values, so many scores are equal. Where the highest one
that is dropped equals the lowest that is kept, the order of the columns decides. Prints a table for
the model's calibration languages at half of the weights, rows of all linear modules of its blocks.
"""

import argparse
import sys
from pathlib import Path

import torch
from safetensors import safe_open

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from multiprune.pruning.scores import magnitude, ria, wanda
from multiprune.statistics.files import StatisticsFiles

SPARSITY = 0.5


def tied(scores: torch.Tensor) -> tuple[int, int]:
    """Rows of scores [rows, columns] with a tie at the threshold, and the scores that equal it."""
    dropped = int(scores.shape[1] * SPARSITY)
    ordered = scores.sort(dim=1).values
    threshold = ordered[:, dropped - 1 : dropped]
    rows = ordered[:, dropped] == threshold[:, 0]
    return int(rows.sum()), int((scores[rows] == threshold[rows]).sum())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", type=Path, help="folder of a finished experiment")
    parser.add_argument("model", help="one of its models")
    parser.add_argument("--resources", type=Path, default="resources", help="holds models/")
    options = parser.parse_args()
    weights = options.resources / "models" / options.model / "model.safetensors"
    statistics = (options.results / options.model / "seed0/statistics").glob("??.safetensors")
    found = {"magnitude": [0, 0], "wanda": [0, 0], "ria": [0, 0]}
    rows = size = 0
    with StatisticsFiles(list(statistics)) as files, safe_open(weights, "pt") as tensors:
        for module_input in files.inputs:
            norm = torch.from_numpy((files.read(module_input).norms ** 2).mean(axis=0) ** 0.5)
            for member in module_input.members:
                weight = tensors.get_tensor(member)
                rows, size = rows + len(weight), size + weight.numel()
                scores = {
                    "magnitude": magnitude.score(weight),
                    "wanda": wanda.score(weight, norm.float()),
                    "ria": ria.score(weight, norm.float(), 0.5),
                }
                for name, values in scores.items():
                    for place, count in enumerate(tied(values)):
                        found[name][place] += count
    print("| score | rows with a tie at the threshold | weights in these ties |\n|---|---:|---:|")
    for name, (tied_rows, tied_weights) in found.items():
        print(f"| {name} | {tied_rows / rows:.3%} | {tied_weights / size:.4%} |")


if __name__ == "__main__":
    main()
