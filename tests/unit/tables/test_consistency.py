"""The table of RankC, by hand, and its resampling."""

import math

import numpy as np
import pytest

from multiprune.errors import InputError
from multiprune.evaluation.consistency import rank_consistency
from multiprune.evaluation.downstream_runs import Run
from multiprune.tables.consistency import COLUMNS, resampled_means, tabulate
from unit.tables.downstream_data import grid_of, record_of, runs_of, write_plausible, write_record

E1, E2 = math.e, math.e**2


def test_runs_share_resamples_that_do_not_depend_on_the_other_runs():
    values = np.random.default_rng(2).random((3, 30))
    together = resampled_means(values, "xnli fr", 120)
    np.testing.assert_allclose(together[1:2], resampled_means(values[1:2], "xnli fr", 120))
    np.testing.assert_allclose(
        resampled_means(values + 0.1, "xnli fr", 120), together + 0.1
    )  # the same items are drawn
    assert not np.allclose(together, resampled_means(values, "xnli de", 120))
    assert np.isnan(resampled_means(values[:, :2], "xnli fr", 50)).all()


def likelihoods(*rankings: str) -> list[list[float]]:
    """Log-likelihoods of choices a, b, c whose ranking is given, an item each."""
    return [[-float(ranking.index(choice)) for choice in "abc"] for ranking in rankings]


def write(results, run, language, rankings, ids, target=None, task="xnli"):
    items = len(rankings)
    content = record_of(
        {"acc": [1] * items}, ids, target or [0] * items, likelihoods(*rankings), 1 / 3
    )
    write_record(results, run, task, language, content)


DENSE, WANDA, OWL = Run("dense", "0", 0), Run("wanda", "0.5", 0), Run("owl", "0.5", 0)
IDS = ["x", "y", "z"]


@pytest.fixture
def results(tmp_path):
    for run in (DENSE, WANDA, OWL):
        write(tmp_path, run, "en", ["abc", "abc", "abc"], IDS)
    write(tmp_path, DENSE, "fr", ["abc", "abc", "abc"], IDS)
    write(tmp_path, WANDA, "fr", ["bac", "abc", "cba"], ["y", "z", "x"], [0, 0, 0])
    write(tmp_path, OWL, "fr", ["acb", "abc", "acb"], IDS)
    return tmp_path


def table_of(results, grid):
    return tabulate(results, "m", grid)


def test_the_order_of_the_grid_is_taken(results):
    """Ascending, cba is compared with bca: common among the first 1, 2, 3: 0, 2, 3."""
    grid = grid_of({"xnli": ["en", "fr"]}, ["wanda", "owl"])
    grid.downstream["rankc_order"] = "ascending"
    owl = table_of(results, grid).set_index("method").loc["owl"]
    weights = np.array([E2, E1, 1]) / (E2 + E1 + 1)
    assert owl["rankc"] == pytest.approx((1 + 2 * (weights @ [0, 1, 1])) / 3)


def test_table_by_hand(results):
    table = table_of(results, grid_of({"xnli": ["en", "fr"]}, ["wanda", "owl"]))
    assert list(table.columns) == COLUMNS
    assert table["method"].tolist() == ["dense", "owl", "wanda"]
    dense, owl, wanda = (row for _, row in table.iterrows())
    weights = np.array([E2, E1, 1]) / (E2 + E1 + 1)
    swapped, turned = weights @ [0, 1, 1], weights @ [0, 1 / 2, 1]
    last = weights @ [1, 1 / 2, 1]
    assert dense[["rankc", "ci_low", "ci_high", "items"]].tolist() == pytest.approx([1, 1, 1, 3])
    assert math.isnan(dense["difference_to_baseline"])
    assert wanda["rankc"] == pytest.approx((swapped + turned + 1) / 3)
    assert wanda["difference_to_baseline"] == wanda["baseline_ci_low"] == 0
    assert owl["rankc"] == pytest.approx((1 + 2 * last) / 3)
    assert owl["difference_to_baseline"] == pytest.approx(owl["rankc"] - wanda["rankc"])
    # by item: x last - turned, y 1 - swapped, z last - 1; three equal draws are the extremes
    assert owl["baseline_ci_low"] == pytest.approx(last - 1)
    assert owl["baseline_ci_high"] == pytest.approx(1 - swapped)
    assert set(table["reference"]) == {"en"}


def test_items_are_paired_by_id(results):
    grid = grid_of({"xnli": ["en", "fr"]}, ["wanda", "owl"])
    before = table_of(results, grid)
    for run in (DENSE, WANDA, OWL):  # English has one item more and no z
        write(results, run, "en", ["cba", "abc", "abc"], ["w", "y", "x"])
    table = table_of(results, grid)
    assert table["items"].tolist() == [2, 2, 2]
    assert before["rankc"].iloc[2] != table["rankc"].iloc[2]
    assert table["ci_low"].isna().all()
    for run in (DENSE, WANDA, OWL):
        write(results, run, "en", ["cba"], ["w"])
    assert table_of(results, grid)[["items", "rankc"]].fillna(-1).values.tolist() == [[0, -1]] * 3


def test_only_parallel_tasks_with_the_reference_have_rows(tmp_path):
    cloze = {"languages": ["en", "fr"], "missing": {}, "kind": "parallel_cloze"}
    choice = {"languages": ["fr"], "missing": {"en": "from"}, "kind": "translation_choice"}
    tasks = {"xwinograd": ["en", "fr"], "lambada": ["en", "fr"], "xcopa": ["it", "zh"],
             "mine": cloze, "pick": choice, "xnli": ["en", "de", "fr"]}  # fmt: skip
    grid = grid_of(tasks, ["wanda"])
    write_plausible(tmp_path, grid, 8)
    table = table_of(tmp_path, grid).query("method == 'wanda'")
    found = list(table[["task", "language"]].itertuples(index=False, name=None))
    assert found == [("mine", "fr"), ("xnli", "de"), ("xnli", "fr")]


def test_dense_stands_under_every_seed(tmp_path):
    grid = grid_of({"xnli": ["en", "fr"]}, ["wanda"], seeds=(0, 1))
    write_plausible(tmp_path, grid, 8)
    table = table_of(tmp_path, grid)
    assert table[["seed", "method"]].values.tolist() == [
        [0, "dense"], [0, "wanda"], [1, "dense"], [1, "wanda"],
    ]  # fmt: skip


def test_ids_that_do_not_pair_the_same_items_are_refused(results):
    grid = grid_of({"xnli": ["en", "fr"]}, ["wanda", "owl"])
    write(results, OWL, "fr", ["acb", "abc", "acb"], IDS, [0, 1, 0])
    with pytest.raises(InputError, match=r"fr.json: 33% of its items have another right choice"):
        table_of(results, grid)


def test_a_task_without_log_likelihoods_is_refused(results):
    for run in runs_of(grid := grid_of({"xnli": ["en", "fr"]}, ["wanda", "owl"])):
        write_record(results, run, "xnli", "fr", record_of({"acc": [1, 1, 0]}, IDS))
    with pytest.raises(InputError, match=r"dense/0/xnli/fr.json: RankC needs log-likelihoods"):
        table_of(results, grid)


def test_interval_covers_the_true_mean():
    """400 experiments of 40 items: about 95 percent of the intervals contain the truth."""
    rng = np.random.default_rng(4)
    english = rng.normal(size=(400, 40, 4))
    other = english + rng.normal(size=(400, 40, 4))
    pairs = zip(english, other, strict=True)
    values = np.array([rank_consistency(first, second) for first, second in pairs])
    truth = values.mean()  # of 16,000 items
    low, high = np.quantile(resampled_means(values, "xnli fr", 400), [0.025, 0.975], axis=1)
    assert 0.91 <= np.mean((low <= truth) & (truth <= high)) <= 0.98
