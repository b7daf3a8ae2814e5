"""Tables from small records, masks and statistics, with numbers computed by hand."""

import json
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.files.json import write_json
from multiprune.files.tables import COLUMNS, join_tables, read_table, write_table
from multiprune.files.tensors import write_tensors
from multiprune.statistics import files as statistics_files
from multiprune.statistics.files import ModuleInput
from multiprune.tables.allocation import tabulate_allocation
from multiprune.tables.correlation import tabulate_correlation
from multiprune.tables.perplexity import tabulate_perplexity

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
    return Grid.parse(json.dumps(content | changes))


def write_record(results, method, sparsity, seed, language, loss, tokens=TOKENS, unknown=0):
    record = {
        "split": "test", "length": 20, "window_nll": [loss * count for count in tokens],
        "window_tokens": tokens, "bits_per_byte": loss / 4, "unknown_tokens": unknown,
    }  # fmt: skip
    write_json(results / f"m/seed{seed}/perplexity/{method}/{sparsity}/{language}.json", record)


@pytest.fixture
def results(tmp_path):
    for method, settings in METHODS.items():
        for sparsity in settings["sparsities"]:
            for seed in settings["seeds"]:
                for language, loss in LOSS[method].items():
                    loss = loss[seed] if isinstance(loss, tuple) else loss
                    write_record(tmp_path, method, sparsity, seed, language, loss)
    return tmp_path


def row(table, **key):
    chosen = table
    for column, value in key.items():
        chosen = chosen[chosen[column] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_ratios_by_language(results):
    table, _ = tabulate_perplexity(results, "m", grid_of())
    assert list(table.columns) == COLUMNS["perplexity"]
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
    table, _ = tabulate_perplexity(results, "m", grid_of())
    assert table[table["method"] == "dense"]["seed"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table[table["method"] == "magnitude"]["seed"].tolist() == [0, 0, 0]
    dense = table[table["method"] == "dense"]
    assert dense[["ratio_to_dense", "ci_low", "ci_high"]].eq(1).all(axis=None)


def test_a_language_that_the_tokenizer_hardly_knows_counts_in_no_mean(results):
    for method, settings in METHODS.items():
        for sparsity in settings["sparsities"]:
            for seed in settings["seeds"]:
                loss = LOSS[method]["fr"]
                loss = loss[seed] if isinstance(loss, tuple) else loss
                # 6 of 50 tokens are unknown: 12%
                record = (method, sparsity, seed, "fr", loss)
                write_record(results, *record, unknown=6)
    known, whole = (
        tabulate_perplexity(results, "m", grid_of(most_unknown_tokens=most)) for most in (0.12, 0.1)
    )
    assert known[1]["note"].isna().all()
    assert known[0]["note"].isna().all()
    table, summary = whole
    assert table.groupby("language")["unknown_share"].max().to_dict() == {
        "en": 0, "fr": pytest.approx(0.12), "sw": 0,
    }  # fmt: skip
    assert set(table[table["note"].notna()]["language"]) == {"fr"}
    assert len(table) == len(known[0])  # its own rows stay
    mean = row(summary, method="owl", sparsity="0.5", language_set="all")
    assert mean["languages"] == 2
    assert mean["perplexity"] == pytest.approx(math.exp((2.4 + 2.6 + 5.0 + 5.2) / 4))
    assert mean["note"] == "without fr: unknown tokens"


def test_rows_are_sorted(results):
    table, _ = tabulate_perplexity(results, "m", grid_of())
    keys = list(table[["seed", "method", "sparsity", "language"]].itertuples(index=False))
    assert all(first < second for first, second in pairwise(keys))


def test_role_follows_the_methods_own_calibration(results):
    table, _ = tabulate_perplexity(results, "m", grid_of())
    roles = table.drop_duplicates(["method", "language"]).set_index(["method", "language"])["role"]
    assert roles["wanda", "fr"] == "calibration"
    assert roles["owl", "fr"] == "unseen"
    assert roles["magnitude", "fr"] == roles["dense", "fr"] == "calibration"
    assert roles["magnitude", "sw"] == "unseen"


def test_role_in_translation_pairs():
    methods = METHODS | {"mt": {"sparsities": [], "seeds": [0], "calibration": ["en-fr"]}}
    grid = grid_of(methods=methods)
    assert [grid.role("mt", name) for name in ("en", "fr", "sw")] == [
        "calibration", "calibration", "unseen",
    ]  # fmt: skip


def test_summary_is_a_geometric_mean_over_languages_and_seeds(results):
    _, summary = tabulate_perplexity(results, "m", grid_of())
    assert list(summary.columns) == COLUMNS["summary"]
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
    _, summary = tabulate_perplexity(results, "m", grid_of(languages))
    assert set(summary["language_set"]) == {"all", "calibration"}


def test_baseline_without_calibration_serves_every_seed(results):
    table, _ = tabulate_perplexity(results, "m", grid_of(baseline="magnitude"))
    cell = row(table, method="wanda", seed=1, language="en")
    assert cell["ratio_to_baseline"] == pytest.approx(math.exp(2.7 - 4.0))


def test_order_of_the_grid_changes_nothing(results):
    turned = {name: LANGUAGES[name] for name in reversed(LANGUAGES)}
    methods = {name: METHODS[name] for name in reversed(METHODS)}
    for first, second in zip(
        tabulate_perplexity(results, "m", grid_of()),
        tabulate_perplexity(results, "m", grid_of(turned, methods)),
        strict=True,
    ):
        pd.testing.assert_frame_equal(first, second)


def test_two_windows_leave_the_interval_empty(results):
    for method, seed in (("dense", 0), ("magnitude", 0)):
        sparsity = METHODS[method]["sparsities"][0]
        write_record(results, method, sparsity, seed, "en", LOSS[method]["en"], TOKENS[:2])
    methods = {name: METHODS[name] for name in ("dense", "magnitude")}
    table, summary = tabulate_perplexity(results, "m", grid_of(methods=methods))
    assert math.isnan(row(table, method="magnitude", language="en")["ci_low"])
    assert not math.isnan(row(table, method="magnitude", language="fr")["ci_low"])
    assert math.isnan(row(summary, method="magnitude", language_set="all")["ci_low"])
    assert not math.isnan(row(summary, method="magnitude", language_set="unseen")["ci_low"])


def test_other_windows_and_another_length_are_refused(results):
    write_record(results, "owl", "0.5", 1, "sw", 5.0, [10, 10, 10, 20])
    with pytest.raises(InputError, match=r"windows of owl 0.5 1 sw differ"):
        tabulate_perplexity(results, "m", grid_of())
    with pytest.raises(InputError, match=r"split and length are \('test', 20\)"):
        tabulate_perplexity(results, "m", grid_of(length=64))


def test_missing_record_and_broken_grid_are_one_line(results):
    (results / "m/seed0/perplexity/dense/0/en.json").unlink()
    with pytest.raises(InputError, match=r"en\.json: no such file"):
        tabulate_perplexity(results, "m", grid_of())
    for text in ("[", "{}", "[1]", '{"resampling": {}, "methods": {}}'):
        with pytest.raises(InputError, match=r"^--grid: "):
            Grid.parse(text)


def test_allocation_rows_come_from_the_masks(tmp_path):
    blocks = [
        {"block": 0, "parameters": 8, "pruned": 3, "sparsity": 0.375, "target": 0.4,
         "importance": 0.7},
        {"block": 1, "parameters": 8, "pruned": 4, "sparsity": 0.5, "target": 0.6,
         "importance": None},
    ]  # fmt: skip
    path = tmp_path / "m/seed0/masks/magnitude/0.5.safetensors"
    write_tensors(path, {"w": np.zeros((1, 1), np.uint8)}, {"blocks": json.dumps(blocks)})
    methods = {name: METHODS[name] for name in ("dense", "magnitude")}
    table = tabulate_allocation(tmp_path, "m", grid_of(methods=methods))
    assert list(table.columns) == COLUMNS["allocation"]
    assert table[["block", "target", "achieved"]].values.tolist() == [
        [0, 0.4, 0.375],
        [1, 0.6, 0.5],
    ]
    assert table["importance"].isna().tolist() == [False, True]
    write_tensors(path, {"w": np.zeros((1, 1), np.uint8)}, {"blocks": "?"})
    with pytest.raises(InputError, match="set aside as"):
        tabulate_allocation(tmp_path, "m", grid_of(methods=methods))


def test_allocation_rows_of_moved_weights_come_from_their_own_folder(tmp_path):
    block = {"block": 3, "parameters": 8, "sparsity": 0.25, "target": 0.3, "importance": 1.0}
    path = tmp_path / "m/seed1/weights/sparsegpt/0.3.safetensors"
    write_tensors(path, {"w": np.zeros((1, 1), np.float32)}, {"blocks": json.dumps([block])})
    own = {"seeds": [1], "sparsities": ["0.3"], "artefact": "weights"}
    methods = {"dense": METHODS["dense"], "sparsegpt": own}
    table = tabulate_allocation(tmp_path, "m", grid_of(methods=methods))
    assert table[["method", "seed", "block", "achieved"]].values.tolist() == [
        ["sparsegpt", 1, 3, 0.25]
    ]


def write_statistics(results, seed, language, norms):
    """norms: module -> norms of its channels; 4 tokens."""
    sums = {
        ModuleInput(name, int(name.split(".")[2]), ()): {
            "sum_sq": 4 * np.square(np.array(values, float)),
            "active": np.zeros(len(values)),
        }
        for name, values in norms.items()
    }
    path = results / f"m/seed{seed}/statistics/{language}.safetensors"
    statistics_files.write_statistics(path, sums, 4, {})


def test_correlation_of_three_channels_by_hand(tmp_path):
    module = "model.layers.2.mlp.down_proj"
    for seed in (0, 1):
        write_statistics(tmp_path, seed, "en", {module: [1, 2, 3]})
        write_statistics(tmp_path, seed, "fr", {module: [1, 3, 2]})
    table = tabulate_correlation(tmp_path, "m", grid_of())
    assert list(table.columns) == COLUMNS["correlation"]
    # deviations (-1, 0, 1) and (-1, 1, 0): covariance 1, both squared lengths 2
    assert table.iloc[:, 1:].values.tolist() == [
        [0, 2, "down_proj", "en", "fr", pytest.approx(0.5)],
        [1, 2, "down_proj", "en", "fr", pytest.approx(0.5)],
    ]


def test_inputs_with_the_same_last_name_stay_apart(tmp_path):
    norms = {"transformer.h.0.attn.c_proj": [1, 2, 3], "transformer.h.0.mlp.c_proj": [3, 3, 3]}
    for seed in (0, 1):
        for language in ("en", "fr"):
            write_statistics(tmp_path, seed, language, norms)
    table = tabulate_correlation(tmp_path, "m", grid_of()).query("seed == 0")
    assert table["input"].tolist() == ["attn.c_proj", "mlp.c_proj"]
    assert table["correlation"].iloc[0] == pytest.approx(1)
    assert math.isnan(table["correlation"].iloc[1])  # constant norms


def test_one_calibration_language_gives_an_empty_table(tmp_path):
    for seed in (0, 1):
        write_statistics(tmp_path, seed, "en", {"model.layers.0.mlp.up_proj": [1, 2]})
    languages = {name: LANGUAGES[name] for name in ("en", "sw")}
    table = tabulate_correlation(tmp_path, "m", grid_of(languages))
    assert table.empty
    assert list(table.columns) == COLUMNS["correlation"]


def test_csv_keeps_every_digit_and_the_language_nan(tmp_path):
    path = tmp_path / "correlation.csv"
    values = ["m", 0, 1, "up_proj", "nan", "no", 0.1 + 0.2]
    table = pd.DataFrame([values, [*values[:-1], None]], columns=COLUMNS["correlation"])
    write_table(path, table)
    back = read_table(path, COLUMNS["correlation"])
    assert back["language_a"].tolist() == ["nan", "nan"]
    assert back["correlation"].iloc[0] == 0.1 + 0.2
    assert math.isnan(back["correlation"].iloc[1])


def test_join_keeps_order_and_bytes_and_refuses_other_columns(tmp_path):
    header = ",".join(COLUMNS["correlation"])
    for model, value in (("b", "0.50"), ("a", "")):
        (tmp_path / model).mkdir()
        line = f"{model},0,1,up_proj,en,nan,{value}\n"
        (tmp_path / model / "correlation.csv").write_text(f"{header}\n{line}")
    write_table(tmp_path / "out.csv", join_tables(tmp_path, ["b", "a"], "correlation"))
    assert (tmp_path / "out.csv").read_text() == (
        f"{header}\nb,0,1,up_proj,en,nan,0.50\na,0,1,up_proj,en,nan,\n"
    )
    (tmp_path / "a/correlation.csv").write_text("model,seed\n")
    with pytest.raises(InputError, match="columns model, seed; expected model, seed, block"):
        join_tables(tmp_path, ["b", "a"], "correlation")
