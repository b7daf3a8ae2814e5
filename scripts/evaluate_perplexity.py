"""Perplexity of one model, dense or masked, on every evaluation language."""

import argparse
import json
import math
from functools import cache
from pathlib import Path

from transformers import PreTrainedModel

from multiprune.artefacts import sha256_arrays, write_json
from multiprune.command import run
from multiprune.digest import code_digest
from multiprune.errors import InputError
from multiprune.evaluation_cache import EvaluationCache
from multiprune.evaluation_runs import add_arguments, provenance
from multiprune.models import (
    check_length,
    load_model,
    load_tokenizer,
    set_up,
)
from multiprune.perplexity import (
    bits_per_byte,
    check_logits,
    perplexity,
    window_losses,
    windows_of,
)
from multiprune.texts import read_paragraphs, tokenize, utf8_bytes


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--corpora", required=True, help="folder of all corpora")
    parser.add_argument("--languages", type=json.loads, required=True, help="language -> corpus")
    parser.add_argument("--split", required=True)
    parser.add_argument("--length", type=int, required=True, help="tokens in a window")
    parser.add_argument("--tokens", type=int, nargs="?", help="of text per language at most")
    parser.add_argument("--batch-tokens", type=int, required=True, help="tokens in a batch")
    return parser.parse_args()


def main() -> None:
    """Compute what is not in the cache, then write one record per language."""
    options = parse()
    device = set_up(options.threads)
    tokenizer = load_tokenizer(options.model)
    origin = provenance(options, code_digest(__file__), device) | {
        "batch_tokens": options.batch_tokens
    }

    @cache
    def model() -> PreTrainedModel:
        loaded = load_model(options.model, options.dtype, options.mask)
        check_length(loaded, options.length)
        return loaded

    kept = EvaluationCache(options.cache)
    for language, corpus in sorted(options.languages.items()):
        paragraphs = read_paragraphs(
            Path(options.corpora) / corpus / language / f"{options.split}.jsonl"
        )
        ids, paragraphs = tokenize(paragraphs, tokenizer, options.tokens)
        windows = windows_of(ids, options.length, tokenizer)
        tokens = sha256_arrays(window.targets for window in windows)

        def compute(language=language, windows=windows) -> dict:
            check_logits(model(), windows[0])
            losses = window_losses(model(), windows, options.batch_tokens)
            if not all(map(math.isfinite, losses)):
                raise InputError(f"{options.model}: the loss on {language} is not finite")
            return {"window_nll": losses}

        inputs = {**origin, "length": options.length, "tokens": tokens}
        record, found = kept.get_or_compute({"measure": "perplexity", **inputs}, compute)
        size = utf8_bytes(paragraphs)
        counts = [len(window.targets) for window in windows]
        result = {
            "model": Path(options.model).name,
            "seed": options.seed,
            "method": options.method,
            "sparsity": float(options.sparsity),
            "language": language,
            "corpus": corpus,
            "split": options.split,
            "length": options.length,
            "tokens": sum(counts),
            "utf8_bytes": size,
            "window_nll": record["window_nll"],
            "window_tokens": counts,
            "perplexity": perplexity(record["window_nll"], counts),
            "bits_per_byte": bits_per_byte(record["window_nll"], size),
            "provenance": {**origin, "tokens": tokens},
        }
        write_json(Path(options.output) / f"{language}.json", result)
        state = "kept from an earlier run" if found else "computed"
        print(f"{language}: perplexity {result['perplexity']:.3f} ({state})", flush=True)


if __name__ == "__main__":
    run(main)
