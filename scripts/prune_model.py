"""Score the weights, allocate sparsity over the blocks and write the mask of one method."""

import argparse
import json
from contextlib import ExitStack
from importlib.metadata import version

import torch

from multiprune.artefacts import sha256_file
from multiprune.command import run
from multiprune.manifests import checked_fingerprint
from multiprune.masks import write_mask
from multiprune.pruning import Pruner
from multiprune.statistics_files import StatisticsFiles
from multiprune.weights import ModelWeights


def main() -> None:
    """Stream over the model's weights with the merged statistics of the method's languages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--statistics", nargs="*", default=[], help="one file per calibration set")
    parser.add_argument("--contrast", nargs="?", help="statistics of norm contrast's other set")
    parser.add_argument("--name", required=True, help="name of the method")
    parser.add_argument("--method", type=json.loads, required=True, help="its options, JSON")
    parser.add_argument("--sparsity", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    model = checked_fingerprint(options.model)
    weights = ModelWeights(options.model)
    with ExitStack() as stack:
        statistics = contrast = None
        inputs = {"model": model}
        if options.statistics:
            statistics = stack.enter_context(StatisticsFiles(options.statistics))
            statistics.must_belong_to(model)
            inputs |= statistics.hashes()
        if options.contrast:
            contrast = stack.enter_context(StatisticsFiles([options.contrast]))
            contrast.must_belong_to(model)
            inputs["contrast"] = sha256_file(options.contrast)
        pruned = Pruner(weights, statistics, options.method, contrast).prune(options.sparsity)
    metadata = {
        "method": options.name,
        "options": options.method,
        "requested_sparsity": repr(options.sparsity),
        "achieved_sparsity": repr(pruned.achieved_sparsity),
        "blocks": [block.as_json() for block in pruned.blocks],
        "shapes": pruned.shapes,
        "inputs": inputs,
        "versions": {"torch": version("torch"), "numpy": version("numpy")},
    }
    write_mask(options.output, pruned.masks, metadata)
    print(f"achieved sparsity {pruned.achieved_sparsity:.5f} of {options.sparsity:g} requested")


if __name__ == "__main__":
    run(main)
