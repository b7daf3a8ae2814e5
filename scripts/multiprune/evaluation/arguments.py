"""What every evaluation of a pruned model has in common: its arguments and its provenance."""

import argparse

import torch

from multiprune.files.manifests import checked_fingerprint
from multiprune.models.versions import library_versions
from multiprune.pruning.files import pruning_hash
from multiprune.pruning.masks import check_mask_belongs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model is evaluated under which mask, and where results are kept."""
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--dtype", required=True, help="precision of the weights, or auto")
    parser.add_argument("--mask", nargs="?", help="mask file; none for the dense model")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--method", required=True)
    parser.add_argument("--sparsity", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--cache", required=True, help="folder of the evaluation cache")
    parser.add_argument("--output", required=True, help="folder for one record per language")


def provenance(options: argparse.Namespace, device: torch.device) -> dict:
    """What a record depends on beside its text and the code.

    Raises InputError where the model is damaged or the mask belongs to another one.
    """
    model = checked_fingerprint(options.model)
    if options.mask:
        check_mask_belongs(options.mask, model)
    return {
        "model": model,
        "mask": pruning_hash(options.mask),
        "dtype": options.dtype,
        "device": device.type,
        "versions": library_versions(),
    }
