"""Perplexity of a model on the text of each language, kept in the evaluation cache."""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from multiprune.errors import InputError
from multiprune.evaluation.cache import EvaluationCache
from multiprune.evaluation.output_head import check_logits
from multiprune.evaluation.perplexity import (
    bits_per_byte,
    perplexity,
    tokens_read,
    window_losses,
    windows_of,
)
from multiprune.fetch.texts import read_paragraphs
from multiprune.files.hashes import sha256_arrays, sha256_file
from multiprune.models.devices import card
from multiprune.models.loading import check_ids, check_length
from multiprune.models.tokenization import tokenize, unknown_tokens, utf8_bytes, warn_of_unknown


@dataclass(frozen=True)
class Measure:
    """How texts are measured. `origin` is all that a record depends on beside text and length.

    `model` loads the model, and is called only for what the cache does not hold. `most_tokens`
    limits the text of a language, None takes all.
    """

    tokenizer: PreTrainedTokenizerBase
    model: Callable[[], PreTrainedModel]
    cache: EvaluationCache
    origin: dict
    length: int
    most_tokens: int | None
    batch_tokens: int


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """Which text is scored, and in what windows."""
    parser.add_argument("--corpora", required=True, help="folder of all corpora")
    parser.add_argument(
        "--languages", type=json.loads, required=True, help="JSON, language -> corpus"
    )
    parser.add_argument("--split", required=True, help="of the corpora")
    parser.add_argument("--length", type=int, required=True, help="tokens in a window")
    parser.add_argument("--tokens", type=int, nargs="?", help="of text per language at most")
    parser.add_argument("--batch-tokens", type=int, required=True, help="tokens in a batch")


def text_path(options: argparse.Namespace, language: str) -> Path:
    """Where the text of a language stands."""
    corpus = options.languages[language]
    return Path(options.corpora) / corpus / language / f"{options.split}.jsonl"


def measure_of(
    options: argparse.Namespace,
    code: str,
    tokenizer: PreTrainedTokenizerBase,
    origin: dict,
    load: Callable[[], PreTrainedModel],
) -> Measure:
    """The measure that the command line asks for; `load` is called once, when first needed.

    `code`: digest of the script, without which nothing kept counts.
    """

    @cache
    def model() -> PreTrainedModel:
        loaded = load()
        check_length(loaded, tokens_read(options.length, tokenizer))
        check_logits(loaded)
        return loaded

    return Measure(
        tokenizer,
        model,
        EvaluationCache(options.cache, code, card()),
        origin | {"batch_tokens": options.batch_tokens},
        options.length,
        options.tokens,
        options.batch_tokens,
    )


def measure_text(text: Path, language: str, measure: Measure) -> dict:
    """The measured part of a perplexity record; says what it is and whether the cache held it."""
    paragraphs = read_paragraphs(text)
    ids, paragraphs = tokenize(paragraphs, measure.tokenizer, measure.most_tokens)
    windows = windows_of(ids, measure.length, measure.tokenizer)
    tokens = sha256_arrays(window.targets for window in windows)
    unknown = unknown_tokens(ids, measure.tokenizer)

    def compute() -> dict:
        model = measure.model()
        check_ids(model, ids, text)
        losses = window_losses(model, windows, measure.batch_tokens)
        if not all(map(math.isfinite, losses)):
            raise InputError(f"{text}: the loss on it is not finite under {type(model).__name__}")
        return {"window_nll": losses}

    inputs = {**measure.origin, "length": measure.length, "tokens": tokens}
    record, found = measure.cache.get_or_compute({"measure": "perplexity", **inputs}, compute)
    losses, size = record["window_nll"], utf8_bytes(paragraphs, measure.tokenizer)
    counts = [len(window.targets) for window in windows]
    result = {
        "length": measure.length,
        "tokens": sum(counts),
        "unknown_tokens": unknown,
        "utf8_bytes": size,
        "window_nll": losses,
        "window_tokens": counts,
        "perplexity": perplexity(losses, counts),
        "bits_per_byte": bits_per_byte(losses, size),
        "provenance": {**measure.origin, "tokens": tokens, "text": sha256_file(text)},
        **{key: record[key] for key in ("computed_on",) if key in record},
    }
    warn_of_unknown(language, unknown, sum(counts))
    state = "kept from an earlier run" if found else "computed"
    print(f"{language}: perplexity {result['perplexity']:.3f} ({state})", flush=True)
    return result
