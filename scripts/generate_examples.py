"""What one model, dense or pruned, writes behind a short prompt in each language."""

import argparse
from functools import cache
from pathlib import Path

import numpy as np
from transformers import PreTrainedModel

from multiprune.evaluation.arguments import add_arguments, provenance
from multiprune.evaluation.cache import EvaluationCache
from multiprune.evaluation.generation import continued, prompt_ids, text_of
from multiprune.files.json import write_json
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run, text_by_language
from multiprune.models.devices import card, set_up
from multiprune.models.loading import check_ids, check_length
from multiprune.models.tokenizer import load_tokenizer
from multiprune.pruning.loading import load_pruned


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--prompts", required=True, help="JSON, language -> beginning of a text")
    parser.add_argument("--tokens", type=int, required=True, help="to generate at most")
    return parser.parse_args()


def main() -> None:
    """Generate what is not in the cache, then write one record of all languages."""
    options = parse()
    prompts = text_by_language("--prompts", options.prompts, "prompts", "Watu wote")
    device = set_up(options.threads)
    origin = provenance(options, device) | {"tokens": options.tokens}
    tokenizer = load_tokenizer(options.model)
    kept = EvaluationCache(options.cache, code_digest(__file__), card())

    @cache
    def model() -> PreTrainedModel:
        return load_pruned(options.model, options.dtype, options.mask)

    def written(prompt: str, ids: list[int]) -> dict:
        check_length(model(), len(ids) + options.tokens)
        check_ids(model(), np.array(ids), f"prompt {prompt!r}")
        new = continued(model(), ids, options.tokens, tokenizer.eos_token_id)
        return {"ids": new, "continuation": text_of(ids, new, tokenizer)}

    examples = {}
    for language, prompt in sorted(prompts.items()):
        ids = prompt_ids(prompt, tokenizer)
        record, found = kept.get_or_compute(
            {"measure": "example", **origin, "prompt": ids},
            lambda prompt=prompt, ids=ids: written(prompt, ids),
        )
        examples[language] = {"prompt": prompt, **record}
        state = "kept from an earlier run" if found else "computed"
        print(f"{language}: {len(record['ids'])} tokens ({state})", flush=True)
    result = {
        "model": Path(options.model).name,
        "seed": options.seed,
        "method": options.method,
        "sparsity": float(options.sparsity),
        "examples": examples,
        "provenance": origin,
    }
    write_json(Path(options.output), result)


if __name__ == "__main__":
    run(main)
