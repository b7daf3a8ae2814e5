"""Perplexity of one model, dense or masked, on every evaluation language."""

import argparse
import json
from functools import cache
from pathlib import Path

from transformers import PreTrainedModel

from multiprune.artefacts import write_json
from multiprune.command import run
from multiprune.digest import code_digest
from multiprune.evaluation_cache import EvaluationCache
from multiprune.evaluation_runs import add_arguments, provenance
from multiprune.models import check_length, load_model, load_tokenizer, set_up
from multiprune.perplexity_runs import Measure, measure_text


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
    origin = provenance(options, code_digest(__file__), device) | {
        "batch_tokens": options.batch_tokens
    }

    @cache
    def model() -> PreTrainedModel:
        loaded = load_model(options.model, options.dtype, options.mask)
        check_length(loaded, options.length)
        return loaded

    measure = Measure(
        load_tokenizer(options.model),
        model,
        EvaluationCache(options.cache),
        origin,
        options.length,
        options.tokens,
        options.batch_tokens,
    )
    for language, corpus in sorted(options.languages.items()):
        text = Path(options.corpora) / corpus / language / f"{options.split}.jsonl"
        measured, found = measure_text(text, measure)
        result = {
            "model": Path(options.model).name,
            "seed": options.seed,
            "method": options.method,
            "sparsity": float(options.sparsity),
            "language": language,
            "corpus": corpus,
            "split": options.split,
            **measured,
        }
        write_json(Path(options.output) / f"{language}.json", result)
        state = "kept from an earlier run" if found else "computed"
        print(f"{language}: perplexity {result['perplexity']:.3f} ({state})", flush=True)


if __name__ == "__main__":
    run(main)
