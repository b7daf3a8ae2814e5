"""Prune block by block on activations that went through the already pruned blocks.

Writes a mask, or the new weights of a method that moves those it keeps (SparseGPT).

Started again after a kill with the same options, it goes on behind the last finished block.
"""

import argparse
import json
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from multiprune.calibration.windows import read_windows
from multiprune.errors import InputError
from multiprune.experiment.axes import modules_of
from multiprune.files.hashes import sha256_file, sha256_json
from multiprune.files.manifests import checked_fingerprint
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run
from multiprune.models.architectures import Architecture
from multiprune.models.devices import card, set_up
from multiprune.models.loading import check_ids, check_length, load_model
from multiprune.models.versions import library_versions
from multiprune.models.weights import ModelWeights
from multiprune.pruning.pruner import BlockReport, PrunedModel, activation_threshold
from multiprune.pruning.records import write_record
from multiprune.pruning.sequential.passes import BlockPasses
from multiprune.pruning.sequential.propagation import LSA, Progress, allocate, prune_sequentially
from multiprune.pruning.sequential.pruners import CONTRAST, SPARSEGPT, block_pruner
from multiprune.pruning.sequential.reconstruction import block_errors
from multiprune.statistics.files import StatisticsFiles


def parse() -> argparse.Namespace:
    """Options of the command line; raises InputError where some do not go together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--dtype", required=True, help="precision of the weights, or auto")
    parser.add_argument("--windows", nargs="+", required=True, help="one file per calibration set")
    parser.add_argument(
        "--contrast-windows", nargs="?", help="of the set that norm contrast divides by"
    )
    parser.add_argument(
        "--statistics",
        nargs="*",
        default=[],
        help="of the dense model, for an allocation that is not uniform or lsa",
    )
    parser.add_argument("--contrast-statistics", nargs="?", help="the contrast set's, likewise")
    parser.add_argument("--name", required=True, help="name of the method")
    parser.add_argument("--method", type=json.loads, required=True, help="its options, JSON")
    parser.add_argument("--sparsity", type=float, required=True)
    parser.add_argument("--batch-tokens", type=int, required=True, help="tokens in a batch")
    parser.add_argument(
        "--activation-threshold",
        type=float,
        required=True,
        help="tau, unless the norm names it: active where |x| > tau rms",
    )
    parser.add_argument(
        "--activation-memory-mb",
        type=float,
        required=True,
        help="GPU memory for activations; what does not fit stays in host memory",
    )
    parser.add_argument("--seed", type=int, help="of the calibration text, to be recorded")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--progress", required=True, help="folder for the finished blocks")
    parser.add_argument("--output", required=True, help="mask, or new weights")
    options = parser.parse_args()
    options.windows = sorted(map(Path, options.windows), key=lambda path: path.name)
    names = [path.stem for path in options.windows]
    if len(set(names)) < len(names):
        raise InputError(f"--windows: each set may be given once, found {', '.join(names)}")
    kind = options.method.get("norm", {}).get("kind")
    if kind is None and options.method["score"] != SPARSEGPT:
        raise InputError(
            f"method {options.name}: its score {options.method['score']} reads no activations, so "
            "nothing is propagated; leave out propagation: sequential"
        )
    if (kind == "contrast") != bool(options.contrast_windows):
        raise InputError(
            f"--contrast-windows: goes with the norm contrast and no other, the method has {kind}"
        )
    return options


def dense_allocation(
    options: argparse.Namespace, weights: ModelWeights, model: str, errors: np.ndarray | None
) -> tuple[list[BlockReport], dict[str, str]]:
    """Each block's sparsity, and hashes of the dense statistics that it is decided from.

    `errors` [blocks] are for the allocation lsa, None for others.
    """
    hashes = {}
    with ExitStack() as stack:
        statistics = contrast = None
        if options.statistics:
            statistics = stack.enter_context(StatisticsFiles(options.statistics))
            statistics.must_belong_to(model)
            if statistics.languages != [path.stem for path in options.windows]:
                raise InputError("--statistics: must be of the same sets as --windows")
            statistics.must_come_from(options.windows)
            hashes |= {f"statistics/{name}": entry for name, entry in statistics.hashes().items()}
        if options.contrast_statistics:
            contrast = stack.enter_context(StatisticsFiles([options.contrast_statistics]))
            contrast.must_belong_to(model)
            if options.contrast_windows:
                contrast.must_come_from([options.contrast_windows])
            hashes["contrast_statistics"] = sha256_file(options.contrast_statistics)
        blocks = allocate(weights, options.method, options.sparsity, statistics, contrast, errors)
    return blocks, hashes


def entered(
    model: PreTrainedModel,
    sets: dict[str, Path | str],
    options: argparse.Namespace,
    architecture: Architecture,
    device: torch.device,
) -> BlockPasses:
    """A model in host memory, with the windows of some sets in front of its first block."""
    passes = BlockPasses(model, architecture, device, options.activation_memory_mb * 1e6)
    fingerprint = checked_fingerprint(options.model)
    for name, path in sets.items():
        windows, _metadata = read_windows(path, fingerprint)
        check_length(model, int(windows.lengths.max()))
        check_ids(model, windows.input_ids, path)
        passes.enter(name, windows, options.batch_tokens)
    return passes


def main() -> None:
    """Decide the allocation, prune what no earlier job has pruned, write what became of it."""
    options = parse()
    device = set_up(options.threads)
    model = checked_fingerprint(options.model)
    weights = ModelWeights(options.model)
    on_host = cache(lambda: load_model(options.model, options.dtype, on_host=True))
    sets = {path.stem: path for path in options.windows}
    errors = None
    if options.method["allocation"]["kind"] == LSA:
        dense = entered(on_host(), sets, options, weights.architecture, device)
        errors = block_errors(dense, weights)
        del dense  # with its activations
    allocation, inputs = dense_allocation(options, weights, model, errors)
    inputs |= {"model": model}
    inputs |= {f"windows/{path.name}": sha256_file(path) for path in options.windows}
    if options.contrast_windows:
        inputs["contrast_windows"] = sha256_file(options.contrast_windows)
        sets[CONTRAST] = options.contrast_windows
    threshold = activation_threshold(options.method, options.activation_threshold)
    metadata = {
        "method": options.name,
        "seed": options.seed,
        "options": options.method,
        "propagation": "sequential",
        "requested_sparsity": repr(options.sparsity),
        "dtype": options.dtype,
        "batch_tokens": options.batch_tokens,
        "activation_threshold": repr(threshold),
        "inputs": inputs,
        "device": device.type,
        "versions": library_versions(),
    }
    pruner = block_pruner(weights, options.method, threshold)
    code = code_digest(__file__, modules_of(options.method))
    progress = Progress(options.progress, sha256_json([metadata, options.threads, code]), pruner)
    indices = [report.block for report in allocation]
    if not all(map(progress.holds, indices)):
        passes = entered(on_host(), sets, options, weights.architecture, device)
        for report, earlier in prune_sequentially(passes, weights, pruner, allocation, progress):
            source = ", by an earlier job" if earlier else ""
            print(f"block {report.block}: sparsity {report.target:.4f}{source}", flush=True)
    metadata |= card()  # not of what earlier blocks are known by
    pruned = PrunedModel(blocks=[progress.report(index) for index in indices])
    metadata |= {
        "achieved_sparsity": repr(pruned.achieved_sparsity),
        "blocks": [block.as_json() for block in pruned.blocks],
    }
    pruner.join(options.output, [progress.path(index) for index in indices], metadata)
    write_record(options.output)
    progress.remove()
    print(f"achieved sparsity {pruned.achieved_sparsity:.5f} of {options.sparsity:g} requested")


if __name__ == "__main__":
    run(main)
