"""What every job that prunes with dense statistics has in common: its inputs and the pruning."""

import argparse
import json
from contextlib import ExitStack

from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import checked_fingerprint
from multiprune.models.weights import ModelWeights
from multiprune.pruning.pruner import PrunedModel, Pruner
from multiprune.statistics.files import StatisticsFiles


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model is pruned, by what, how and how much."""
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--statistics", nargs="*", default=[], help="one file per calibration set")
    parser.add_argument("--contrast", nargs="?", help="statistics of norm contrast's other set")
    parser.add_argument("--method", type=json.loads, required=True, help="its options, JSON")
    parser.add_argument("--sparsity", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)


def prune(options: argparse.Namespace, method: dict) -> tuple[PrunedModel, dict[str, str]]:
    """The pruned model and hashes of what it was made from, by `add_arguments`' options."""
    model = checked_fingerprint(options.model)
    weights = ModelWeights(options.model)
    inputs = {"model": model}
    with ExitStack() as stack:
        statistics = contrast = None
        if options.statistics:
            statistics = stack.enter_context(StatisticsFiles(options.statistics))
            statistics.must_belong_to(model)
            inputs |= statistics.hashes()
        if options.contrast:
            contrast = stack.enter_context(StatisticsFiles([options.contrast]))
            contrast.must_belong_to(model)
            inputs["contrast"] = sha256_file(options.contrast)
        return Pruner(weights, statistics, method, contrast).prune(options.sparsity), inputs
