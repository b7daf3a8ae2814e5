"""Means over languages and seeds, with numbers computed by hand."""

import math

import pandas as pd
import pytest

from multiprune.tables.summary import COLUMNS, tabulate
from unit.tables.perplexity_data import (
    LANGUAGES,
    METHODS,
    grid_of,
    row,
    write_records,
    write_two_windows,
    write_unknown,
)


@pytest.fixture
def results(tmp_path):
    write_records(tmp_path)
    return tmp_path


def test_summary_is_a_geometric_mean_over_languages_and_seeds(results):
    summary = tabulate(results, "m", grid_of())
    assert list(summary.columns) == COLUMNS
    whole = row(summary, method="owl", sparsity="0.5", language_set="all")
    assert (whole["languages"], whole["seeds"]) == (3, 2)
    # owl: (2.4 + 2.6 + 3.6 + 3.8 + 5.0 + 5.2) / 6; dense: 3; wanda: the mean of its six losses
    assert whole["perplexity"] == pytest.approx(math.exp(22.6 / 6))
    assert whole["ratio_to_dense"] == pytest.approx(math.exp(22.6 / 6 - 3))
    assert whole["ratio_to_baseline"] == pytest.approx(math.exp((-0.1 + 0.1 + 0.0) / 3))
    assert whole["bits_per_byte"] == pytest.approx(22.6 / 24)
    assert (whole["worst_language"], whole["worst_ratio"]) == ("sw", pytest.approx(math.exp(1.1)))
    trained = row(summary, method="owl", sparsity="0.5", language_set="calibration")
    assert trained["languages"] == 2
    assert trained["perplexity"] == pytest.approx(math.exp(12.4 / 4))
    magnitude = row(summary, method="magnitude", language_set="all")
    assert magnitude["seeds"] == 1
    # its one result against the mean of wanda's two seeds: 4 - 2.6, 5 - 3.6, 7 - 5.1
    assert magnitude["ratio_to_baseline"] == pytest.approx(math.exp((1.4 + 1.4 + 1.9) / 3))
    assert math.isnan(row(summary, method="dense", language_set="all")["ratio_to_baseline"])


def test_no_unseen_languages_no_unseen_rows(results):
    languages = {name: LANGUAGES[name] for name in ("en", "fr")}
    summary = tabulate(results, "m", grid_of(languages))
    assert set(summary["language_set"]) == {"all", "calibration"}


def test_a_language_that_the_tokenizer_hardly_knows_counts_in_no_mean(results):
    write_unknown(results)
    assert tabulate(results, "m", grid_of(most_unknown_tokens=0.12))["note"].isna().all()
    summary = tabulate(results, "m", grid_of(most_unknown_tokens=0.1))
    mean = row(summary, method="owl", sparsity="0.5", language_set="all")
    assert mean["languages"] == 2
    assert mean["perplexity"] == pytest.approx(math.exp((2.4 + 2.6 + 5.0 + 5.2) / 4))
    assert mean["note"] == "without fr: unknown tokens"


def test_order_of_the_grid_changes_nothing(results):
    turned = {name: LANGUAGES[name] for name in reversed(LANGUAGES)}
    methods = {name: METHODS[name] for name in reversed(METHODS)}
    first, second = (tabulate(results, "m", grid) for grid in (grid_of(), grid_of(turned, methods)))
    pd.testing.assert_frame_equal(first, second)


def test_two_windows_leave_the_interval_empty(results):
    write_two_windows(results)
    methods = {name: METHODS[name] for name in ("dense", "magnitude")}
    summary = tabulate(results, "m", grid_of(methods=methods))
    assert math.isnan(row(summary, method="magnitude", language_set="all")["ci_low"])
    assert not math.isnan(row(summary, method="magnitude", language_set="unseen")["ci_low"])
