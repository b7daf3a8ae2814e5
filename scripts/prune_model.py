"""Score the weights, allocate sparsity over the blocks and write the mask of one method."""

import argparse
from importlib.metadata import version
from pathlib import Path

import torch

from multiprune.errors import InputError
from multiprune.evaluation.candidate_records import read_choice
from multiprune.experiment.candidates import with_constants
from multiprune.files.hashes import sha256_file
from multiprune.jobs.command import run
from multiprune.pruning.arguments import add_arguments, prune
from multiprune.pruning.masks import write_mask
from multiprune.pruning.records import write_record
from multiprune.statistics.structure import chosen_statistics


def main() -> None:
    """Stream over the model's weights with the merged statistics of the method's languages."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--name", required=True, help="name of the method")
    parser.add_argument("--seed", type=int, help="of the calibration text, to be recorded")
    parser.add_argument("--chosen", nargs="?", help="constants that replace the method's own")
    parser.add_argument("--order", nargs="?", help="of languages, the first of which are taken")
    parser.add_argument("--take", type=int, nargs="?", help="how many of --order")
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    method, choice = options.method, {}
    if options.chosen:
        chosen = read_choice(options.chosen)
        method = with_constants(method, chosen["constants"])
        choice = {"chosen": chosen["chosen"]}
    if options.order and options.take is None:
        raise InputError("--take: is missing, the number of languages to take of --order")
    others = {}
    if options.order:
        others = {
            Path(path).name: sha256_file(path) for path in [options.order, *options.statistics]
        }
        options.statistics = chosen_statistics(options.order, options.take, options.statistics)
        choice = {"taken": [Path(path).stem for path in options.statistics]}
    pruned, inputs = prune(options, method)
    inputs = others | inputs
    if options.chosen:
        inputs["chosen"] = sha256_file(options.chosen)
    metadata = {
        "method": options.name,
        "seed": options.seed,
        "options": method,
        "requested_sparsity": repr(options.sparsity),
        "achieved_sparsity": repr(pruned.achieved_sparsity),
        "blocks": [block.as_json() for block in pruned.blocks],
        "shapes": pruned.shapes,
        "inputs": inputs,
        "versions": {"torch": version("torch"), "numpy": version("numpy")},
    }
    write_mask(options.output, pruned.masks, metadata | choice)
    write_record(options.output)
    print(f"achieved sparsity {pruned.achieved_sparsity:.5f} of {options.sparsity:g} requested")


if __name__ == "__main__":
    run(main)
