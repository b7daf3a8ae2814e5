"""Perplexity of a model on the text of one language, kept in the evaluation cache."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from multiprune.artefacts import sha256_arrays
from multiprune.errors import InputError
from multiprune.evaluation_cache import EvaluationCache
from multiprune.models import check_ids
from multiprune.perplexity import (
    bits_per_byte,
    check_logits,
    perplexity,
    window_losses,
    windows_of,
)
from multiprune.texts import read_paragraphs, tokenize, utf8_bytes


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


def measure_text(text: Path, measure: Measure) -> tuple[dict, bool]:
    """The measured part of a perplexity record, and whether the cache held it."""
    paragraphs = read_paragraphs(text)
    ids, paragraphs = tokenize(paragraphs, measure.tokenizer, measure.most_tokens)
    windows = windows_of(ids, measure.length, measure.tokenizer)
    tokens = sha256_arrays(window.targets for window in windows)

    def compute() -> dict:
        model = measure.model()
        check_ids(model, ids, text)
        check_logits(model, windows[0])
        losses = window_losses(model, windows, measure.batch_tokens)
        if not all(map(math.isfinite, losses)):
            raise InputError(f"{text}: the loss on it is not finite under {type(model).__name__}")
        return {"window_nll": losses}

    inputs = {**measure.origin, "length": measure.length, "tokens": tokens}
    record, found = measure.cache.get_or_compute({"measure": "perplexity", **inputs}, compute)
    losses, size = record["window_nll"], utf8_bytes(paragraphs)
    counts = [len(window.targets) for window in windows]
    result = {
        "length": measure.length,
        "tokens": sum(counts),
        "utf8_bytes": size,
        "window_nll": losses,
        "window_tokens": counts,
        "perplexity": perplexity(losses, counts),
        "bits_per_byte": bits_per_byte(losses, size),
        "provenance": {**measure.origin, "tokens": tokens},
    }
    return result, found
