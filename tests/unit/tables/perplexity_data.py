"""Small perplexity records of one model, with numbers to compute from by hand."""

from copy import deepcopy

import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.files.json import write_json

TOKENS = [10, 10, 20, 10]
LANGUAGES = {
    "en": {"role": "calibration", "name": "English"},
    "fr": {"role": "calibration", "name": "French"},
    "sw": {"role": "unseen", "name": "Swahili"},
}
METHODS = {
    "dense": {"sparsities": ["0"], "seeds": [0], "calibration": []},
    "magnitude": {"sparsities": ["0.5"], "seeds": [0], "calibration": []},
    "owl": {"sparsities": ["0.3", "0.5"], "seeds": [0, 1], "calibration": ["en"]},
    "wanda": {"sparsities": ["0.5"], "seeds": [0, 1], "calibration": ["en", "fr"]},
}
# nats per token; owl and wanda: seed 0, seed 1
LOSS = {
    "dense": {"en": 2.0, "fr": 3.0, "sw": 4.0},
    "magnitude": {"en": 4.0, "fr": 5.0, "sw": 7.0},
    "wanda": {"en": (2.5, 2.7), "fr": (3.5, 3.7), "sw": (5.0, 5.2)},
    "owl": {"en": (2.4, 2.6), "fr": (3.6, 3.8), "sw": (5.0, 5.2)},
}


def grid_of(languages=LANGUAGES, methods=METHODS, **changes) -> Grid:
    content = {
        "seeds": [0, 1], "baseline": "wanda", "languages": languages, "methods": methods,
        "resampling": {"draws": 200, "confidence": 0.95}, "split": "test", "length": 20,
    }  # fmt: skip
    return Grid.of(deepcopy(content | changes))


def write_record(results, method, sparsity, seed, language, loss, tokens=TOKENS, unknown=0):
    record = {
        "split": "test", "length": 20, "window_nll": [loss * count for count in tokens],
        "window_tokens": tokens, "bits_per_byte": loss / 4, "unknown_tokens": unknown,
    }  # fmt: skip
    write_json(results / f"m/seed{seed}/perplexity/{method}/{sparsity}/{language}.json", record)


def write_records(results) -> None:
    """The record of every run, with the losses of LOSS."""
    for method, settings in METHODS.items():
        for sparsity in settings["sparsities"]:
            for seed in settings["seeds"]:
                for language in LANGUAGES:
                    loss = loss_of(method, seed, language)
                    write_record(results, method, sparsity, seed, language, loss)


def loss_of(method, seed, language) -> float:
    """Nats per token; one number where the seed makes no difference."""
    loss = LOSS[method][language]
    return loss[seed] if isinstance(loss, tuple) else loss


def write_unknown(results) -> None:
    """Records of French once more, with 6 of their 50 tokens unknown: 12%."""
    for method, settings in METHODS.items():
        for sparsity in settings["sparsities"]:
            for seed in settings["seeds"]:
                loss = loss_of(method, seed, "fr")
                write_record(results, method, sparsity, seed, "fr", loss, unknown=6)


def write_two_windows(results) -> None:
    """Records of English once more, of dense and magnitude, with two windows."""
    for method in ("dense", "magnitude"):
        [sparsity] = METHODS[method]["sparsities"]
        write_record(results, method, sparsity, 0, "en", LOSS[method]["en"], TOKENS[:2])


def row(table, **key) -> pd.Series:
    """The one row with these cells."""
    chosen = table
    for column, value in key.items():
        chosen = chosen[chosen[column] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]
