"""Validation perplexity of models pruned with candidate constants; no mask is written.

One candidate, or those that a ranking names as finalists.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from multiprune.errors import InputError
from multiprune.evaluation.arguments import provenance
from multiprune.evaluation.candidate_records import check_windows, read_choice
from multiprune.evaluation.perplexity import windows_of
from multiprune.evaluation.records import add_text_arguments, measure_of, measure_text, text_path
from multiprune.experiment.candidates import with_constants
from multiprune.fetch.texts import read_paragraphs
from multiprune.files.hashes import sha256_arrays
from multiprune.files.json import write_json
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run
from multiprune.models.devices import set_up
from multiprune.models.loading import load_model
from multiprune.models.tokenization import tokenize
from multiprune.models.tokenizer import load_tokenizer
from multiprune.pruning.arguments import add_arguments, prune
from multiprune.pruning.masks import apply_packed


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--name", required=True, help="name of the method")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--candidate", help="name of the candidate")
    what.add_argument("--finalists-of", help="ranking that names them, JSON")
    parser.add_argument(
        "--constants",
        type=json.loads,
        help="of the candidate: JSON, dotted path in the options -> value",
    )
    parser.add_argument("--dtype", required=True, help="precision of the weights, or auto")
    parser.add_argument("--seed", type=int, required=True)
    add_text_arguments(parser)
    parser.add_argument("--cache", required=True, help="folder of the evaluation cache")
    parser.add_argument("--output", required=True, help="JSON")
    parser.set_defaults(mask=None)
    options = parser.parse_args()
    if options.split != "validation":
        raise InputError(
            f"--split: found {options.split}, allowed is validation; test text is never read"
        )
    return options


def texts_of(options: argparse.Namespace, tokenizer: PreTrainedTokenizerBase) -> dict[str, Path]:
    """The text of each language; InputError where one is too short to compare candidates by."""
    found = {}
    for language in sorted(options.languages):
        path = text_path(options, language)
        tokens, _scored = tokenize(read_paragraphs(path), tokenizer, options.tokens)
        check_windows(language, len(windows_of(tokens, options.length, tokenizer)))
        found[language] = path
    return found


def main() -> None:
    """Prune in memory, then score what is not in the cache."""
    options = parse()
    device = set_up(options.threads)
    tokenizer = load_tokenizer(options.model)
    texts = texts_of(options, tokenizer)
    if options.finalists_of is None:
        found = record(options, options.candidate, options.constants, texts, tokenizer, device)
        write_json(options.output, found)
        return
    choice = read_choice(options.finalists_of)
    constants = {rank["candidate"]: rank["constants"] for rank in choice["ranking"]}
    records = {}
    for name in choice["finalists"]:
        print(name, flush=True)
        records[name] = record(options, name, constants[name], texts, tokenizer, device)
    write_json(options.output, {"seed": options.seed, "candidates": records})


def record(
    options: argparse.Namespace,
    candidate: str,
    constants: dict,
    texts: dict[str, Path],
    tokenizer: PreTrainedTokenizerBase,
    device: torch.device,
) -> dict:
    """What is measured of one candidate."""
    method = with_constants(options.method, constants)
    pruned, inputs = prune(options, method)
    names = sorted(pruned.masks)
    origin = provenance(options, device) | {
        "mask": sha256_arrays(pruned.masks[name] for name in names)
    }

    def load() -> PreTrainedModel:
        model = load_model(options.model, options.dtype)
        masks = ((name, pruned.masks[name], tuple(pruned.shapes[name])) for name in names)
        apply_packed(model, masks, candidate)
        return model

    measure = measure_of(options, code_digest(__file__), tokenizer, origin, load)
    measured = {language: measure_text(text, language, measure) for language, text in texts.items()}
    return {
        "model": Path(options.model).name,
        "seed": options.seed,
        "method": options.name,
        "sparsity": options.sparsity,
        "achieved_sparsity": pruned.achieved_sparsity,
        "candidate": candidate,
        "constants": constants,
        "options": method,
        "split": options.split,
        "length": options.length,
        "languages": measured,
        "inputs": inputs,
    }


if __name__ == "__main__":
    run(main)
