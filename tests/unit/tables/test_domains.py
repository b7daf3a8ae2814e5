"""Methods by the corpora that they calibrate on and are judged on, with numbers by hand."""

import math

import pandas as pd
import pytest

from multiprune.experiment.grid import Grid
from multiprune.tables import domains
from unit.tables.perplexity_data import grid_of, write_record

LANGUAGES = {
    name: {"role": "calibration", "corpus": name[3:]}
    for name in ("de_news", "en_news", "de_songs", "en_songs")
}
NEWS, SONGS = ["de_news", "en_news"], ["de_songs", "en_songs"]
RUN = {"sparsities": ["0.5"], "seeds": [0, 1]}
METHODS = {
    "dense": {"sparsities": ["0"], "seeds": [0], "calibration": []},
    "magnitude": {"sparsities": ["0.5"], "seeds": [0], "calibration": []},
    "wanda-news": RUN | {"calibration": NEWS},
    "wanda-songs": RUN | {"calibration": SONGS},
    "ria-news": RUN | {"calibration": ["de_news-en_news"]},
    "wanda": RUN | {"calibration": NEWS + SONGS},
}
# Nats a token beyond dense in news and in songs, the same in both languages and seeds.
LOSS = {
    "dense": (0.0, 0.0), "magnitude": (2.0, 2.0), "wanda-news": (0.3, 0.6),
    "wanda-songs": (0.5, 0.4), "ria-news": (0.2, 0.7), "wanda": (0.4, 0.5),
}  # fmt: skip


@pytest.fixture
def grid() -> Grid:
    return grid_of(LANGUAGES, METHODS, baseline="wanda-news")


@pytest.fixture
def table(tmp_path, grid) -> pd.DataFrame:
    for method, settings in METHODS.items():
        for seed in settings["seeds"]:
            for language in LANGUAGES:
                loss = 2 + LOSS[method][language in SONGS]
                write_record(tmp_path, method, settings["sparsities"][0], seed, language, loss)
    return domains.tabulate(tmp_path, "m", grid)


def row(table: pd.DataFrame, method: str, corpus: str) -> pd.Series:
    found = table[(table["method"] == method) & (table["evaluated_on"] == corpus)]
    assert len(found) == 1
    return found.iloc[0]


def test_a_row_for_each_method_and_corpus_of_test_text(table):
    assert list(table.columns) == domains.COLUMNS
    assert len(table) == 2 * (len(METHODS) - 1)
    assert set(table["languages"]) == {2}
    assert dict(zip(table["method"], table["calibrated_on"], strict=True)) == {
        "magnitude": "none", "wanda-news": "news", "wanda-songs": "songs", "ria-news": "news",
        "wanda": "several",
    }  # fmt: skip
    assert set(table[table["method"] == "wanda-news"]["base"]) == {"wanda"}


def test_ratios_to_dense_and_to_the_method_that_knows_the_domain(table):
    abroad = row(table, "wanda-news", "songs")
    assert abroad["ratio_to_dense"] == pytest.approx(math.exp(0.6))
    assert abroad["ratio_to_same"] == pytest.approx(math.exp(0.6 - 0.4))
    assert row(table, "wanda-news", "news")["ratio_to_same"] == 1
    # Of ria there is none calibrated on songs; magnitude has no domain.
    assert math.isnan(row(table, "ria-news", "songs")["ratio_to_same"])
    assert math.isnan(row(table, "magnitude", "news")["ratio_to_same"])
    assert row(table, "wanda", "news")["ratio_to_same"] == pytest.approx(math.exp(0.4 - 0.3))


def test_ranks_are_among_methods_of_the_same_two_corpora(table):
    ranks = {corpus: row(table, "ria-news", corpus)["rank"] for corpus in ("news", "songs")}
    assert ranks == {"news": 1, "songs": 2}
    assert row(table, "wanda-songs", "songs")["rank"] == 1


def test_languages_that_the_tokenizer_hardly_knows_are_left_out(tmp_path, grid):
    for method, settings in METHODS.items():
        for seed in settings["seeds"]:
            for language in LANGUAGES:
                unknown = 50 if (method, language) == ("dense", "de_songs") else 0
                run = (method, settings["sparsities"][0], seed, language)
                write_record(tmp_path, *run, 2.0, unknown=unknown)
    grid = grid_of(LANGUAGES, METHODS, baseline="wanda-news", most_unknown_tokens=0.1)
    table = domains.tabulate(tmp_path, "m", grid)
    assert row(table, "wanda-news", "songs")["languages"] == 1
    assert row(table, "wanda-news", "news")["languages"] == 2
