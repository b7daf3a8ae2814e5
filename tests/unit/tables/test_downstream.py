"""Downstream tables: paired intervals, exact tests and Holm's correction against hand numbers."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from multiprune.errors import InputError
from multiprune.evaluation.downstream_runs import Run
from multiprune.files.json import read_json, write_json
from multiprune.tables import consistency, downstream
from multiprune.uncertainty.accuracies import difference_interval, exact_mcnemar, holm
from unit.tables.downstream_data import grid_of, record_of, runs_of, write_plausible, write_record

RIGHT, WRONG = True, False
DENSE, WANDA = Run("dense", "0", 0), Run("wanda", "0.5", 0)
OWL = Run("owl", "0.5", 0)


def pair(gained: int, lost: int, both: int = 0, neither: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Marks of a run and of its reference."""
    marks = [(1, 0)] * gained + [(0, 1)] * lost + [(1, 1)] * both + [(0, 0)] * neither
    return tuple(np.array(marks, bool).T)


def test_exact_mcnemar_by_hand():
    # 1 gained of 6 discordant: 2 (1 + 6) / 64
    assert exact_mcnemar(*pair(1, 5, both=20)) == pytest.approx(14 / 64)
    assert exact_mcnemar(*pair(5, 1, neither=3)) == pytest.approx(14 / 64)
    assert exact_mcnemar(*pair(0, 0, both=5, neither=5)) == 1
    assert exact_mcnemar(*pair(8, 0)) == pytest.approx(2 / 256)


def test_interval_of_a_paired_difference_by_hand():
    # n = 8: p = 4/10, q = 2/10; 0.2 -+ 1.959964 sqrt((0.6 - 0.04) / 10)
    low, high = difference_interval(*pair(3, 1, both=2, neither=2), 0.95)
    assert (low, high) == pytest.approx((0.2 - 0.463812, 0.2 + 0.463812), abs=1e-6)
    assert difference_interval(*pair(1, 3, both=4), 0.95) == pytest.approx((-high, -low))
    # 40 items answered alike do not prove that the accuracies are equal
    low, high = difference_interval(*pair(0, 0, both=25, neither=15), 0.95)
    assert low == -high == pytest.approx(-1.959964 * math.sqrt(2 / 42 / 42), abs=1e-6)
    assert difference_interval(*pair(2, 0), 0.95)[1] <= 1


@pytest.mark.parametrize(
    ("items", "gain", "loss"), [(40, 0.1, 0.1), (40, 0.2, 0.05), (300, 0, 0.02)]
)
def test_interval_covers_the_true_difference(items, gain, loss):
    """2000 experiments; a 95% interval should hold the truth in at least 93 of 100."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(2000):
        kinds = rng.choice(3, size=items, p=[gain, loss, 1 - gain - loss])
        low, high = difference_interval(kinds == 0, kinds == 1, 0.95)
        hits += low <= gain - loss <= high
    assert 0.93 <= hits / 2000 <= 0.999


def test_holm_by_hand():
    # sorted 0.01 0.02 0.03 0.04 times 4 3 2 1 = 0.04 0.06 0.06 0.04, made monotone
    adjusted = holm(np.array([0.03, 0.01, 0.04, 0.02]))
    assert adjusted.tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.5, 0.9])).tolist() == [1, 1]
    assert holm(np.array([0.2])).tolist() == [0.2]
    assert holm(np.array([])).tolist() == []


def marks(right: int, items: int = 12) -> list[int]:
    return [1] * right + [0] * (items - right)


@pytest.fixture
def results(tmp_path):
    """Two languages of 12 items: dense, wanda and owl answer the first so many rightly."""
    right = {DENSE: {"en": 10, "fr": 8}, WANDA: {"en": 9, "fr": 2}, OWL: {"en": 10, "fr": 8}}
    for run, languages in right.items():
        for language, count in languages.items():
            scores = {"acc": marks(count), "acc_norm": marks(count + 1)}
            write_record(tmp_path, run, "cloze", language, record_of(scores))
    return tmp_path


TASKS = {"cloze": {"languages": ["en", "fr"], "missing": {"sw": "cloze has no Swahili"}}}
GRID = grid_of(TASKS, ["wanda", "owl"])


def table_of(results, grid=GRID) -> pd.DataFrame:
    return downstream.tabulate(results, "m", grid)


def cell(table, **key) -> pd.Series:
    chosen = table
    for column, value in key.items():
        chosen = chosen[chosen[column] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_row_of_a_method_by_hand(results):
    table = table_of(results)
    assert list(table.columns) == downstream.COLUMNS
    row = cell(table, method="owl", language="fr", metric="acc")
    assert (row["score"], row["chance"], row["items"]) == (8 / 12, 0.25, 12)
    assert row["stderr"] == pytest.approx(math.sqrt(8 / 12 * 4 / 12 / 11))
    assert row["difference_to_dense"] == 0
    assert row["ci_low"] == -row["ci_high"] < 0  # the same answers, not the same run
    # six gained over wanda, none lost
    assert row["difference_to_baseline"] == pytest.approx(0.5)
    assert row["p_value"] == pytest.approx(2 / 64)
    low = 6 / 14 - 1.959964 * math.sqrt((8 / 14 - (6 / 14) ** 2) / 14)
    assert row["baseline_ci_low"] == pytest.approx(low, abs=1e-6)
    # English: one gained, p = 1, so the smaller of two p-values is doubled
    assert row["p_holm"] == pytest.approx(4 / 64)
    assert cell(table, method="owl", language="en", metric="acc")["p_holm"] == 1


def test_a_run_against_itself_is_exactly_zero_and_not_tested(results):
    table = table_of(results)
    baseline = cell(table, method="wanda", language="fr", metric="acc")
    same = ["difference_to_baseline", "baseline_ci_low", "baseline_ci_high"]
    assert baseline[same].tolist() == [0, 0, 0]
    assert baseline[["p_value", "p_holm"]].isna().all()
    dense = cell(table, method="dense", language="fr", metric="acc_norm")
    assert dense[["difference_to_dense", "ci_low", "ci_high"]].tolist() == [0, 0, 0]
    assert dense[[*same, "p_value"]].isna().all()


def test_missing_language_is_one_row_with_the_reason(results):
    row = cell(table_of(results), language="sw")
    assert row["note"] == "cloze has no Swahili"
    assert row[["method", "sparsity", "seed", "role"]].tolist() == ["dense", "0", 0, "unseen"]
    assert row[["score", "metric", "items"]].isna().all()
    assert table_of(results)["items"].dropna().astype(str).unique().tolist() == ["12"]


def test_shortened_prompts_are_noted_beside_the_score(results):
    path = results / "m/seed0/downstream/owl/0.5/cloze/fr.json"
    write_json(path, read_json(path) | {"truncated": 3})
    table = table_of(results)
    row = cell(table, method="owl", language="fr", metric="acc")
    assert row["note"] == "the prompts of 3 of 12 items lost their beginning"
    assert row["score"] == 8 / 12
    others = table[(table["method"] != "owl") | (table["language"] != "fr")]
    assert others["note"].dropna().tolist() == ["cloze has no Swahili"]


def test_the_order_of_items_in_a_file_has_no_meaning(results):
    expected = table_of(results)
    path = results / "m/seed0/downstream/owl/0.5/cloze/fr.json"
    content = read_json(path)
    samples = content["samples"]
    for key in ("id", "target"):
        samples[key].reverse()
    for values in samples["correct"].values():
        values.reverse()
    write_json(path, content)
    pd.testing.assert_frame_equal(table_of(results), expected)


def test_the_order_of_the_grid_has_no_meaning(tmp_path):
    tasks = {"xnli": ["en", "fr", "de"], "belebele": ["en", "zh"]}
    grid = grid_of(tasks, ["wanda", "owl"], (0, 1), ("0.3", "0.5"))
    turned = {name: tasks[name][::-1] for name in reversed(tasks)}
    other = grid_of(turned, ["owl", "wanda"], (1, 0), ("0.5", "0.3"))
    write_plausible(tmp_path, grid, 20)
    first = table_of(tmp_path, grid)
    settings = other.methods["dense"]
    settings["seeds"] = other.downstream["methods"]["dense"]["seeds"] = [0]
    pd.testing.assert_frame_equal(first, table_of(tmp_path, other))
    keys = [(row.seed, row.method, float(row.sparsity), row.task, row.language, row.metric)
            for row in first.itertuples()]  # fmt: skip
    assert all(before < after for before, after in pairwise(keys))


def test_seeds_meet_the_baseline_of_the_same_seed_and_dense_stands_under_each(tmp_path):
    grid = grid_of({"cloze": ["en"]}, ["wanda", "owl", "magnitude"], seeds=(0, 1))
    right = {"dense": (10,), "wanda": (6, 8), "owl": (7, 10), "magnitude": (2,)}
    for run in runs_of(grid):
        count = right[run.method][run.seed]
        write_record(tmp_path, run, "cloze", "en", record_of({"acc": marks(count)}))
    table = table_of(tmp_path, grid)
    assert table[table["method"] == "dense"]["seed"].tolist() == [0, 1]
    found = table.set_index(["method", "seed"])["difference_to_baseline"]
    assert found["owl", 0] == pytest.approx(1 / 12)
    assert found["owl", 1] == pytest.approx(2 / 12)
    assert found["magnitude", 0] == pytest.approx(-4 / 12)
    assert len(table[table["method"] == "magnitude"]) == 1
    other = table_of(tmp_path, grid_of({"cloze": ["en"]}, ["wanda", "owl", "magnitude"],
                                       seeds=(0, 1), baseline="magnitude"))  # fmt: skip
    found = other.set_index(["method", "seed"])["difference_to_baseline"]
    assert found["owl", 1] == pytest.approx(8 / 12)  # magnitude's one result serves every seed


def test_baseline_without_downstream_scores_leaves_its_columns_empty(results):
    table = table_of(results, grid_of(TASKS, ["owl"]))
    row = cell(table, method="owl", language="fr", metric="acc")
    assert row[["difference_to_baseline", "p_value", "p_holm"]].isna().all()
    assert row["difference_to_dense"] == 0


def test_a_metric_that_is_no_share_of_items_has_no_interval(tmp_path):
    for run, perplexity in ((DENSE, 8.0), (WANDA, 10.0), (OWL, 9.0)):
        content = record_of({"acc": marks(6)}, chance=None)
        content["metrics"]["perplexity"] = {"score": perplexity, "stderr": 0.5}
        content["samples"]["target"] = None  # as the task has no choices
        write_record(tmp_path, run, "lambada", "en", content)
    table = table_of(tmp_path, grid_of({"lambada": ["en"]}, ["wanda", "owl"]))
    row = cell(table, method="owl", metric="perplexity")
    assert (row["score"], row["difference_to_baseline"]) == (9, -1)
    assert row[["chance", "ci_low", "baseline_ci_low", "p_value", "p_holm"]].isna().all()
    assert math.isnan(cell(table, method="owl", metric="acc")["chance"])


def test_other_items_are_refused_and_both_files_named(results):
    path = results / "m/seed0/downstream/owl/0.5/cloze/fr.json"
    content = read_json(path)
    content["samples"]["id"][3] = "other"
    write_json(path, content)
    said = "owl/0.5/cloze/fr.json: its 12 items differ from the 12 of .*dense/0/cloze/fr.json"
    with pytest.raises(InputError, match=said):
        table_of(results)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["samples"]["id"].__setitem__(1, "0"), "11 different ids for 12 items"),
        (
            lambda c: c["metrics"]["acc"].update(score=0.9),
            "acc is 0.9, but its items have",
        ),
        (lambda c: c["samples"]["correct"]["acc"].__setitem__(0, 0.5), "are not the 0 and 1"),
        (lambda c: c["samples"]["correct"]["acc"].pop(), "is not a downstream record"),
        (lambda c: c.pop("samples"), "is not a downstream record"),
        (lambda c: c.pop("truncated"), "is not a downstream record"),
        (lambda c: c.update(truncated=13), "13 of its 12 items were truncated"),
    ],
)
def test_a_record_that_contradicts_itself_is_set_aside(results, change, said):
    path = results / "m/seed0/downstream/owl/0.5/cloze/fr.json"
    content = read_json(path)
    change(content)
    write_json(path, content)
    with pytest.raises(InputError, match=said):
        table_of(results)
    assert not path.exists()
    assert path.with_name("fr.json.corrupt").exists()


def test_nothing_evaluated_gives_tables_with_their_header(tmp_path):
    grid = grid_of({"xnli": ["en"]}, ["wanda"])
    for content in ({}, {"tasks": {}}):
        grid = grid_of({"xnli": ["en"]}, ["wanda"], downstream=content)
        for module in (consistency, downstream):
            table = module.tabulate(tmp_path, "m", grid)
            assert table.empty
            assert list(table.columns) == module.COLUMNS
