"""Perplexity of one model, dense or masked, on every evaluation language."""

import argparse
from pathlib import Path

from transformers import PreTrainedModel

from multiprune.evaluation.arguments import add_arguments, provenance
from multiprune.evaluation.records import add_text_arguments, measure_of, measure_text, text_path
from multiprune.files.json import write_json
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run
from multiprune.models.devices import set_up
from multiprune.models.tokenizer import load_tokenizer
from multiprune.pruning.loading import load_pruned


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    add_text_arguments(parser)
    return parser.parse_args()


def main() -> None:
    """Compute what is not in the cache, then write one record per language."""
    options = parse()
    device = set_up(options.threads)
    origin = provenance(options, device)
    tokenizer = load_tokenizer(options.model)

    def load() -> PreTrainedModel:
        return load_pruned(options.model, options.dtype, options.mask)

    measure = measure_of(options, code_digest(__file__), tokenizer, origin, load)
    for language, corpus in sorted(options.languages.items()):
        measured = measure_text(text_path(options, language), language, measure)
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


if __name__ == "__main__":
    run(main)
