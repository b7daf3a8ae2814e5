"""How alike languages use a module input, computed by hand."""

import math

import numpy as np
import pytest

from multiprune.statistics import files as statistics_files
from multiprune.statistics.files import ModuleInput
from multiprune.tables.correlation import COLUMNS, tabulate
from unit.tables.perplexity_data import LANGUAGES, grid_of


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
    table = tabulate(tmp_path, "m", grid_of())
    assert list(table.columns) == COLUMNS
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
    table = tabulate(tmp_path, "m", grid_of()).query("seed == 0")
    assert table["input"].tolist() == ["attn.c_proj", "mlp.c_proj"]
    assert table["correlation"].iloc[0] == pytest.approx(1)
    assert math.isnan(table["correlation"].iloc[1])  # constant norms


def test_one_calibration_language_gives_an_empty_table(tmp_path):
    for seed in (0, 1):
        write_statistics(tmp_path, seed, "en", {"model.layers.0.mlp.up_proj": [1, 2]})
    languages = {name: LANGUAGES[name] for name in ("en", "sw")}
    table = tabulate(tmp_path, "m", grid_of(languages))
    assert table.empty
    assert list(table.columns) == COLUMNS
