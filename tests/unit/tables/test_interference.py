"""Interference of languages: the pooled calibration against each language's own, by hand."""

import math

import pytest

from multiprune.experiment.grid import Grid
from multiprune.tables import interference
from unit.tables.perplexity_data import grid_of, write_record

RUN = {"sparsities": ["0.5"], "seeds": [0, 1]}
METHODS = {
    "dense": {"sparsities": ["0"], "seeds": [0], "calibration": []},
    "wanda": RUN | {"calibration": ["en", "fr"], "sparsities": ["0.3", "0.5"]},
    "own-en": RUN | {"calibration": ["en"], "member_of": "own"},
    "own-fr": RUN | {"calibration": ["fr"], "member_of": "own"},
    "own": RUN | {"calibration": ["en", "fr"], "members": {"en": "own-en", "fr": "own-fr"}},
    "pair-fr": RUN | {"calibration": ["en-fr"], "member_of": "pair"},
    "pair": RUN | {"calibration": ["en-fr"], "members": {"fr": "pair-fr"}},
}
# Nats a token, by seed; sw is nobody's own language.
LOSS = {
    "dense": {"en": (1.0,), "fr": (1.0,), "sw": (1.0,)},
    "wanda": {"en": (2.19, 2.21), "fr": (3.09, 3.11), "sw": (4.0, 4.0)},
    "own-en": {"en": (2.0, 2.0)},
    "own-fr": {"fr": (3.3, 3.3)},
    "pair-fr": {"fr": (2.0, 2.0)},
}


@pytest.fixture
def grid(tmp_path) -> Grid:
    for method, losses in LOSS.items():
        for sparsity in METHODS[method]["sparsities"]:
            for language, by_seed in losses.items():
                for seed, loss in enumerate(by_seed):
                    write_record(tmp_path, method, sparsity, seed, language, loss)
    return grid_of(methods=METHODS)


def test_a_row_for_each_language_with_a_model_of_its_own(tmp_path, grid):
    table = interference.tabulate(tmp_path, "m", grid)
    assert list(table.columns) == interference.COLUMNS
    # Not 0.3, which the own models lack; not `pair`, whose model saw English as well.
    assert table[["method", "sparsity", "language", "seeds"]].to_numpy().tolist() == [
        ["own", "0.5", "en", 2],
        ["own", "0.5", "fr", 2],
    ]
    # English: exp of the mean of 0.19 and 0.21; French is helped by English.
    assert table["factor"].tolist() == pytest.approx([math.exp(0.2), math.exp(-0.2)])
    assert (table["ci_low"] <= table["factor"]).all()
    assert (table["ci_high"] >= table["factor"]).all()
    assert table["ci_low"][0] > 1 > table["ci_high"][1]


def test_languages_that_the_tokenizer_hardly_knows_are_left_out(tmp_path, grid):
    write_record(tmp_path, "dense", "0", 0, "fr", 1.0, unknown=50)
    few = grid_of(methods=METHODS, most_unknown_tokens=0.1)
    assert interference.tabulate(tmp_path, "m", few)["language"].tolist() == ["en"]


def test_without_such_a_method_it_is_empty(tmp_path, grid):
    without = {name: entry for name, entry in METHODS.items() if not name.startswith("own")}
    table = interference.tabulate(tmp_path, "m", grid_of(methods=without))
    assert table.empty
    assert list(table.columns) == interference.COLUMNS
