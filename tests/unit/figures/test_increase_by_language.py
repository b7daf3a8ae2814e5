"""The figure in the form of M-Wanda's first one: areas between sparsities, over languages."""

import pandas as pd
import pytest

from multiprune.figures import increase_by_language
from unit.tables.perplexity_data import METHODS, grid_of

VALUES = {
    ("dense", 0.0): {"en": 10.0, "fr": 8.0, "sw": 20.0},
    ("wanda", 0.3): {"en": 20.0, "fr": 12.0, "sw": 30.0},
    ("wanda", 0.5): {"en": 40.0, "fr": 24.0, "sw": 99.0},
    ("owl", 0.5): {"en": 1.0, "fr": 1.0, "sw": 1.0},
}


@pytest.fixture
def table() -> pd.DataFrame:
    """Seeds that differ by a factor of four, so that their geometric mean is the value."""
    rows = [
        {"method": method, "sparsity": sparsity, "language": language, "seed": seed,
         "perplexity": value * (1 if method == "dense" else 0.5 * 4**seed)}
        for (method, sparsity), values in VALUES.items()
        for language, value in values.items()
        for seed in ((0,) if method == "dense" else (0, 1))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def grid():
    several = METHODS["wanda"] | {"sparsities": ["0.3", "0.5"]}
    return grid_of(methods=METHODS | {"wanda": several})


def test_calibration_languages_by_their_dense_perplexity(table):
    means = increase_by_language.select(table, grid())
    assert means.index.tolist() == ["fr", "en"]  # sw is unseen
    assert means.to_numpy().tolist() == [
        pytest.approx([8.0, 12.0, 24.0]),
        pytest.approx([10.0, 20.0, 40.0]),
    ]


def test_an_area_for_each_step(table):
    [axes] = increase_by_language.draw({"perplexity": table}, grid()).axes
    assert len(axes.collections) == 2
    assert [label.get_text() for label in axes.get_xticklabels()] == ["French", "English"]
    lowest, highest = axes.collections[1].get_datalim(axes.transData).intervaly
    assert (lowest, highest) == pytest.approx((12.0, 40.0))


def test_the_caption_says_who_loses_most(table):
    text = " ".join(increase_by_language.caption({"perplexity": table}, grid(), "m").split())
    assert (
        "Up to sparsity 0.5 perplexity grows 3.000 times in French and 4.000 times in English."
        in (text)
    )


def test_one_language_is_named_once(table):
    one = table[table["language"] == "en"]
    text = " ".join(increase_by_language.caption({"perplexity": one}, grid(), "m").split())
    assert "perplexity grows 4.000 times in English. n = 1" in text


def test_a_language_that_a_sparsity_lacks_is_left_out_and_without_pruned_models_there_is_none(
    table,
):
    without = table[~((table["language"] == "en") & (table["sparsity"] == 0.3))]
    assert increase_by_language.select(without, grid()).index.tolist() == ["fr"]
    dense = table[table["method"] == "dense"]
    assert increase_by_language.select(dense, grid()).empty
    assert increase_by_language.draw({"perplexity": dense}, grid()).axes == []
