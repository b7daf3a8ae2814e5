"""The table of perplexities from small records, with numbers computed by hand."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.tables.perplexity import COLUMNS, tabulate
from multiprune.tables.summary import tabulate as summary_of
from unit.tables.perplexity_data import (
    LANGUAGES,
    METHODS,
    grid_of,
    row,
    write_record,
    write_records,
    write_two_windows,
    write_unknown,
)


@pytest.fixture
def results(tmp_path):
    write_records(tmp_path)
    return tmp_path


def test_ratios_by_language(results):
    table = tabulate(results, "m", grid_of())
    assert list(table.columns) == COLUMNS
    cell = row(table, method="owl", sparsity="0.5", seed=1, language="fr")
    assert cell["tokens"] == 50
    assert cell["perplexity"] == pytest.approx(math.exp(3.8))
    assert cell["bits_per_byte"] == pytest.approx(0.95)
    assert cell["ratio_to_dense"] == pytest.approx(math.exp(0.8))
    assert cell["ratio_to_baseline"] == pytest.approx(math.exp(0.1))
    # every window differs by the same amount a token, so the interval is a point
    assert cell[["ci_low", "ci_high"]].tolist() == pytest.approx([math.exp(0.8)] * 2)
    baseline = row(table, method="wanda", seed=0, language="en")
    assert baseline[["ratio_to_baseline", "baseline_ci_low", "baseline_ci_high"]].eq(1).all()
    assert (
        row(table, method="owl", sparsity="0.3", seed=0, language="en").isna().sum() == 4
    )  # and no note


def test_dense_is_copied_to_each_seed_and_magnitude_is_not(results):
    table = tabulate(results, "m", grid_of())
    assert table[table["method"] == "dense"]["seed"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table[table["method"] == "magnitude"]["seed"].tolist() == [0, 0, 0]
    dense = table[table["method"] == "dense"]
    assert dense[["ratio_to_dense", "ci_low", "ci_high"]].eq(1).all(axis=None)


def test_a_language_that_the_tokenizer_hardly_knows_keeps_its_own_rows(results):
    write_unknown(results)
    known, noted = (
        tabulate(results, "m", grid_of(most_unknown_tokens=most)) for most in (0.12, 0.1)
    )
    assert known["note"].isna().all()
    assert noted.groupby("language")["unknown_share"].max().to_dict() == {
        "en": 0, "fr": pytest.approx(0.12), "sw": 0,
    }  # fmt: skip
    assert set(noted[noted["note"].notna()]["language"]) == {"fr"}
    assert len(noted) == len(known)


def test_rows_are_sorted(results):
    table = tabulate(results, "m", grid_of())
    keys = list(table[["seed", "method", "sparsity", "language"]].itertuples(index=False))
    assert all(first < second for first, second in pairwise(keys))


def test_a_role_is_that_of_the_config_and_calibration_that_of_the_method(results):
    table = tabulate(results, "m", grid_of())
    once = table.drop_duplicates(["method", "language"]).set_index(["method", "language"])
    for method in METHODS:
        assert [once["role"][method, name] for name in ("en", "fr", "sw")] == [
            "calibration", "calibration", "unseen",
        ]  # fmt: skip
    seen = once[once["calibrated_on"] == "yes"].index
    assert sorted(seen) == [("owl", "en"), ("wanda", "en"), ("wanda", "fr")]
    assert set(once["calibrated_on"]) == {"yes", "no"}


def test_means_by_method_and_role_are_those_of_the_summary(results):
    grid = grid_of()
    table = tabulate(results, "m", grid)
    groups = table.assign(log=np.log(table["perplexity"])).groupby(["method", "sparsity", "role"])
    means = np.exp(groups["log"].mean())
    summary = summary_of(results, "m", grid)
    sets = summary[summary["language_set"] != "all"]
    found = sets.set_index(["method", "sparsity", "language_set"])["perplexity"]
    assert len(found) == 10
    assert means.to_dict() == pytest.approx(found.to_dict())


def test_a_pair_calibrates_on_both_of_its_languages():
    methods = METHODS | {"mt": {"sparsities": [], "seeds": [0], "calibration": ["en-fr"]}}
    grid = grid_of(methods=methods)
    assert [grid.calibrated_on("mt", name) for name in ("en", "fr", "sw")] == ["yes", "yes", "no"]


def test_baseline_without_calibration_serves_every_seed(results):
    table = tabulate(results, "m", grid_of(baseline="magnitude"))
    cell = row(table, method="wanda", seed=1, language="en")
    assert cell["ratio_to_baseline"] == pytest.approx(math.exp(2.7 - 4.0))


def test_other_windows_and_another_length_are_refused(results):
    write_record(results, "owl", "0.5", 1, "sw", 5.0, [10, 10, 10, 20])
    with pytest.raises(InputError, match=r"windows of owl 0.5 1 sw differ"):
        tabulate(results, "m", grid_of())
    with pytest.raises(InputError, match=r"split and length are \('test', 20\)"):
        tabulate(results, "m", grid_of(length=64))


def test_missing_record_and_broken_grid_are_one_line(results):
    (results / "m/seed0/perplexity/dense/0/en.json").unlink()
    with pytest.raises(InputError, match=r"en\.json: no such file"):
        tabulate(results, "m", grid_of())
    for content in ({}, {"seeds": [1]}, {"resampling": {}, "methods": {}}):
        with pytest.raises(InputError, match=r"^g\.json: "):
            Grid.of(content, "g.json")


def test_order_of_the_grid_changes_nothing(results):
    turned = {name: LANGUAGES[name] for name in reversed(LANGUAGES)}
    methods = {name: METHODS[name] for name in reversed(METHODS)}
    first, second = (tabulate(results, "m", grid) for grid in (grid_of(), grid_of(turned, methods)))
    pd.testing.assert_frame_equal(first, second)


def test_two_windows_leave_the_interval_empty(results):
    write_two_windows(results)
    methods = {name: METHODS[name] for name in ("dense", "magnitude")}
    table = tabulate(results, "m", grid_of(methods=methods))
    assert math.isnan(row(table, method="magnitude", language="en")["ci_low"])
    assert not math.isnan(row(table, method="magnitude", language="fr")["ci_low"])
