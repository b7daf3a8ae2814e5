"""What more calibration languages bring and cost, from small records with numbers by hand."""

import json
import math
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.files.json import write_json
from multiprune.statistics.files import ModuleInput, write_statistics
from multiprune.tables import scaling, scaling_cost
from multiprune.uncertainty.seeds_and_items import Cell, Resampled

LANGUAGES = {
    "aa": {"role": "calibration"},
    "bb": {"role": "calibration"},
    "cc": {"role": "calibration"},
    "uu": {"role": "unseen"},
    "vv": {"role": "unseen"},
    "xx": {"role": "unseen", "new_family": True},
    "yy": {"role": "unseen", "new_family": True},
    "zz": {"role": "unseen", "new_family": True},
}
POOL = ["aa", "bb", "cc"]
DENSE = {"aa": 1.0, "bb": 2.0, "cc": 2.5, "uu": 3.0, "vv": 2.0, "xx": 3.5, "yy": 4.0, "zz": 1.5}
# Nats per token beyond the dense model's: logarithms of the ratio to it.
LOSS = {
    "wanda": {
        "aa": 0.5, "bb": 0.3, "cc": 0.1, "uu": 0.6, "vv": 0.2, "xx": 0.9, "yy": 0.6, "zz": 0.3,
    },
    "wanda-2-s0": {
        "aa": 0.6, "bb": 0.2, "cc": 0.4, "uu": 0.8, "vv": 0.3, "xx": 1.0, "yy": 0.9, "zz": 0.2,
    },
    "wanda-2-s1": {
        "aa": 0.3, "bb": 0.7, "cc": 0.2, "uu": 0.5, "vv": 0.7, "xx": 0.8, "yy": 1.2, "zz": 0.4,
    },
    "wanda-greedy-2": {
        "aa": 0.4, "bb": 0.4, "cc": 0.4, "uu": 0.4, "vv": 0.4, "xx": 0.7, "yy": 0.8, "zz": 0.9,
    },
    "wanda-en": dict.fromkeys(LANGUAGES, 1.0),
}  # fmt: skip
TOKENS = [10, 20, 30]


def run(seeds=(0,), **more) -> dict:
    entry = {"seeds": list(seeds), "sparsities": ["0.5"], "calibration": POOL}
    return entry | {"allocation": "uniform"} | more


def subset(choice: str, size: int, seed: int = 0, **more) -> dict:
    chosen = {"choice": choice, "size": size, "seed": seed}
    return {"curve": "wanda", "subset": chosen, "calibration": POOL[:size], **more}


METHODS = {
    "dense": {"seeds": [0], "sparsities": ["0"], "calibration": [], "allocation": "uniform"},
    "wanda": run(curve="wanda"),
    "wanda-2-s0": run(**subset("random", 2)),
    "wanda-2-s1": run(**subset("random", 2, 1)),
    "wanda-greedy-2": run(**subset("greedy", 2, calibration=POOL)),
    "wanda-en": run(calibration=["aa"]),  # of no curve
}


def grid_of(methods=METHODS, languages=LANGUAGES, seeds=(0,), **changes) -> Grid:
    content = {
        "seeds": list(seeds), "baseline": "wanda", "languages": languages, "methods": methods,
        "resampling": {"draws": 500, "confidence": 0.9}, "split": "test", "length": 20,
    }  # fmt: skip
    return Grid.of(deepcopy(content | changes))


def write_records(results, grid, losses=LOSS, model="m"):
    """Windows of several sizes whose losses differ, but with the mean a language should have."""
    for method, settings in grid.methods.items():
        for seed in settings["seeds"]:
            for sparsity in settings["sparsities"]:
                for name in grid.languages:
                    more = 0 if method == "dense" else losses[method][name] + 0.1 * seed
                    mean = DENSE[name] + more
                    nll = [(mean + 0.3) * 10, mean * 20, (mean - 0.1) * 30]
                    content = {"split": "test", "length": 20, "bits_per_byte": mean / 4}
                    content |= {"unknown_tokens": 0}
                    content |= {"window_nll": nll, "window_tokens": TOKENS}
                    folder = results / model / f"seed{seed}/perplexity/{method}/{sparsity}"
                    write_json(folder / f"{name}.json", content)


def row(table: pd.DataFrame, **key) -> pd.Series:
    for column, value in key.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
    write_records(tmp_path, grid_of())
    return scaling.tabulate(tmp_path, "m", grid_of())


def test_a_row_for_each_point_of_a_curve_and_each_set_of_languages(table):
    assert list(table.columns) == scaling.COLUMNS
    found = list(table[["curve", "choice", "size", "language_set", "languages", "draws"]].values)
    sets = [("calibration", 3), ("unseen-language", 2), ("unseen-family", 3)]
    points = [("all", 3, 1), ("greedy", 2, 1), ("random", 2, 2)]
    assert [tuple(values) for values in found] == [
        ("wanda", choice, size, name, languages, draws)
        for choice, size, draws in points
        for name, languages in sets
    ]
    assert set(table["model"]) == {"m"}
    assert set(table["sparsity"]) == {"0.5"}


def test_ratios_are_geometric_means_over_languages_and_draws(table):
    def ratio(choice: str, language_set: str) -> float:
        return row(table, choice=choice, language_set=language_set)["ratio_to_dense"]

    assert ratio("all", "calibration") == pytest.approx(math.exp((0.5 + 0.3 + 0.1) / 3))
    assert ratio("all", "unseen-language") == pytest.approx(math.exp((0.6 + 0.2) / 2))
    assert ratio("all", "unseen-family") == pytest.approx(math.exp((0.9 + 0.6 + 0.3) / 3))
    # (0.6 + 0.2 + 0.4 + 0.3 + 0.7 + 0.2) / 6
    assert ratio("random", "calibration") == pytest.approx(math.exp(2.4 / 6))
    assert ratio("random", "unseen-language") == pytest.approx(math.exp(2.3 / 4))
    assert ratio("greedy", "unseen-family") == pytest.approx(math.exp(0.8))


def test_the_worst_language_is_that_of_each_draw_and_its_range_that_of_the_draws(table):
    drawn = row(table, choice="random", language_set="calibration")
    # aa 0.6 in the first draw, bb 0.7 in the second, which is worse.
    assert drawn["worst_ratio"] == pytest.approx(math.exp((0.6 + 0.7) / 2))
    assert drawn["worst_low"] == pytest.approx(math.exp(0.6))
    assert drawn["worst_high"] == pytest.approx(math.exp(0.7))
    assert drawn["worst_language"] == "bb"
    unseen = row(table, choice="random", language_set="unseen-language")
    # uu 0.8 in the first, vv 0.7 in the second.
    assert unseen["worst_language"] == "uu"
    assert (unseen["worst_low"], unseen["worst_high"]) == pytest.approx(
        (math.exp(0.7), math.exp(0.8))
    )
    once = row(table, choice="all", language_set="unseen-family")
    assert once["worst_language"] == "xx"
    assert once[["worst_ratio", "worst_low", "worst_high"]].tolist() == pytest.approx(
        [math.exp(0.9)] * 3
    )


def test_of_languages_that_are_as_bad_the_first_is_named(table):
    assert row(table, choice="greedy", language_set="calibration")["worst_language"] == "aa"


def logs(methods: list[str], names: list[str]) -> np.ndarray:
    return np.array([[LOSS[method][name] for name in names] for method in methods])


@pytest.mark.parametrize(
    ("choice", "methods"),
    [("all", ["wanda"]), ("random", ["wanda-2-s0", "wanda-2-s1"]), ("greedy", ["wanda-greedy-2"])],
)
@pytest.mark.parametrize(
    ("language_set", "names"), [("calibration", POOL), ("unseen-family", ["xx", "yy", "zz"])]
)
def test_intervals_are_those_of_the_hierarchical_bootstrap(
    table, choice, methods, language_set, names
):
    found = row(table, choice=choice, language_set=language_set)
    cell = Cell("", "", language_set, logs(methods, names), np.ones(len(names)))
    expected = Resampled([cell], 500).estimate()
    assert found["ratio_to_dense"] == pytest.approx(math.exp(expected.value))
    low, high = expected.interval(0.9)
    assert found[["ci_low", "ci_high"]].tolist() == pytest.approx([math.exp(low), math.exp(high)])


def test_the_interval_of_one_draw_is_about_that_of_the_t_distribution(table):
    """Of three languages the bootstrap's variance is the sample's, and there is no other level."""
    found = row(table, choice="all", language_set="unseen-family")
    values = logs(["wanda"], ["xx", "yy", "zz"])[0]
    low, high = stats.t.interval(0.9, 2, values.mean(), stats.sem(values))
    assert np.log([found["ci_low"], found["ci_high"]]) == pytest.approx([low, high], rel=0.1)


def test_fewer_than_three_languages_have_no_interval(table):
    few = table[table["language_set"] == "unseen-language"]
    assert few[["ci_low", "ci_high"]].isna().all(axis=None)
    assert few["ratio_to_dense"].notna().all()
    many = table[table["language_set"] != "unseen-language"]
    assert (many["ci_low"] <= many["ratio_to_dense"]).all()
    assert (many["ratio_to_dense"] <= many["ci_high"]).all()


def test_a_set_without_languages_has_no_rows(tmp_path):
    languages = {name: LANGUAGES[name] for name in (*POOL, "uu")}
    grid = grid_of(languages=languages)
    write_records(tmp_path, grid)
    table = scaling.tabulate(tmp_path, "m", grid)
    assert set(table["language_set"]) == {"calibration", "unseen-language"}


def test_seeds_are_draws_too_and_dense_has_one_run(tmp_path):
    methods = {
        name: settings | ({} if name == "dense" else {"seeds": [0, 2]})
        for name, settings in METHODS.items()
    }
    grid = grid_of(methods, seeds=(0, 2))
    write_records(tmp_path, grid)
    table = scaling.tabulate(tmp_path, "m", grid)
    assert table.groupby("choice")["draws"].max().to_dict() == {"all": 2, "greedy": 2, "random": 4}
    # 0.2 more with seed 2, so 0.1 in the mean.
    whole = row(table, choice="all", language_set="calibration")
    assert whole["ratio_to_dense"] == pytest.approx(math.exp(0.3 + 0.1))
    assert (whole["worst_low"], whole["worst_high"]) == pytest.approx(
        (math.exp(0.5), math.exp(0.7))
    )
    random = row(table, choice="random", language_set="calibration")
    assert random["ratio_to_dense"] == pytest.approx(math.exp(0.4 + 0.1))


def test_several_curves_and_sparsities_stay_apart(tmp_path):
    methods = METHODS | {
        "wanda": METHODS["wanda"] | {"sparsities": ["0.3", "0.5"]},
        "m-wanda": run(curve="m-wanda"),
        "m-wanda-2": run(**subset("random", 2, curve="m-wanda")),
    }
    losses = LOSS | {"m-wanda": LOSS["wanda-2-s0"], "m-wanda-2": LOSS["wanda-2-s1"]}
    grid = grid_of(methods)
    write_records(tmp_path, grid, losses)
    table = scaling.tabulate(tmp_path, "m", grid).query("language_set == 'calibration'")
    points = [tuple(values) for values in table[["curve", "choice", "size", "sparsity"]].values]
    assert points == [
        ("m-wanda", "all", 3, "0.5"),
        ("m-wanda", "random", 2, "0.5"),
        ("wanda", "all", 3, "0.3"),
        ("wanda", "all", 3, "0.5"),
        ("wanda", "greedy", 2, "0.5"),
        ("wanda", "random", 2, "0.5"),
    ]
    ratios = dict(zip(points, table["ratio_to_dense"], strict=True))
    assert ratios[points[0]] == pytest.approx(math.exp(0.4))
    assert ratios[points[1]] == pytest.approx(math.exp(0.4))
    assert ratios[points[2]] == ratios[points[3]]


def test_the_order_of_the_grid_changes_nothing(tmp_path, table):
    turned = grid_of(
        {name: METHODS[name] for name in reversed(METHODS)},
        {name: LANGUAGES[name] for name in reversed(LANGUAGES)},
    )
    pd.testing.assert_frame_equal(scaling.tabulate(tmp_path, "m", turned), table)


def test_a_missing_record_is_one_line(tmp_path, table):
    (tmp_path / "m/seed0/perplexity/wanda-2-s1/0.5/xx.json").unlink()
    with pytest.raises(InputError, match=r"wanda-2-s1/0\.5/xx\.json: no such file$"):
        scaling.tabulate(tmp_path, "m", grid_of())


# Cost --------------------------------------------------------------------------------------------

UP = ModuleInput("model.layers.0.mlp.up_proj", 0, ("up.weight",))
COSTS = {"aa": (10.0, 100.0), "bb": (20.0, 300.0), "cc": (40.0, 200.0)}


def write_benchmark(results, path: str, seconds: object, memory: object):
    target = results / "benchmarks" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"s": seconds, "max_rss": memory}) + "\n", encoding="utf-8")


@pytest.fixture
def costly(tmp_path):
    """Statistics, masks and benchmarks of the methods; megabytes are those of the files."""
    for number, (name, (seconds, memory)) in enumerate(COSTS.items()):
        sums = {"sum_sq": np.ones(1000 * (number + 1)), "active": np.zeros(4)}
        path = tmp_path / f"m/seed0/statistics/{name}.safetensors"
        write_statistics(path, {UP: sums}, 4, {})
        write_benchmark(tmp_path, f"collect_statistics/m/seed0/{name}.jsonl", seconds, memory)
    for number, method in enumerate(name for name in METHODS if name != "dense"):
        mask = tmp_path / f"m/seed0/masks/{method}/0.5.safetensors"
        mask.parent.mkdir(parents=True)
        mask.write_bytes(bytes(1000 * (number + 1)))
        write_benchmark(tmp_path, f"prune_model/m/seed0/{method}/0.5.jsonl", 5.0 + number, 700.0)
    return tmp_path


def statistics_rows(results, grid=None) -> pd.DataFrame:
    table = scaling_cost.tabulate(results, "m", grid or grid_of())
    assert list(table.columns) == scaling_cost.COLUMNS
    return table[table["step"] == "statistics"]


def test_statistics_add_up_language_by_language(costly):
    found = statistics_rows(costly)
    assert found["languages"].tolist() == [1, 2, 3]
    assert found["method"].tolist() == [""] * 3
    assert found["seconds"].tolist() == [10, 30, 70]
    assert found["memory_mb"].tolist() == [100, 300, 300]
    sizes = [(costly / f"m/seed0/statistics/{name}.safetensors").stat().st_size for name in POOL]
    assert found["megabytes"].tolist() == pytest.approx(np.cumsum(sizes) / 1e6)
    assert sizes[1] - sizes[0] == 8000


def test_masks_of_curves_have_a_row_each(costly):
    table = scaling_cost.tabulate(costly, "m", grid_of())
    masks = table[table["step"] == "mask"]
    assert [tuple(values) for values in masks.drop(columns=["model", "step"]).values] == [
        ("wanda", 3, 5.0, 700.0, 0.001),
        ("wanda-2-s0", 2, 6.0, 700.0, 0.002),
        ("wanda-2-s1", 2, 7.0, 700.0, 0.003),
        ("wanda-greedy-2", 2, 8.0, 700.0, 0.004),
    ]


def test_a_job_without_a_benchmark_leaves_its_cells_empty(costly):
    (costly / "benchmarks/collect_statistics/m/seed0/bb.jsonl").unlink()
    (costly / "benchmarks/prune_model/m/seed0/wanda/0.5.jsonl").unlink()
    found = statistics_rows(costly)
    # What the first two took together is not known, and so of all that follow.
    assert found["seconds"].tolist() == pytest.approx([10, math.nan, math.nan], nan_ok=True)
    assert found["memory_mb"].tolist() == pytest.approx([100, math.nan, math.nan], nan_ok=True)
    assert found["megabytes"].notna().all()
    table = scaling_cost.tabulate(costly, "m", grid_of())
    whole = row(table, method="wanda")
    assert whole[["seconds", "memory_mb"]].isna().all()
    assert whole["megabytes"] == 0.001
    assert row(table, method="wanda-2-s0")["seconds"] == 6


def test_a_first_language_without_a_benchmark_has_empty_cells_and_no_zeros(costly):
    (costly / "benchmarks/collect_statistics/m/seed0/aa.jsonl").unlink()
    assert statistics_rows(costly)[["seconds", "memory_mb"]].isna().all(axis=None)


@pytest.mark.parametrize("memory", ["NA", None, "-"])
def test_a_job_too_short_to_be_sampled_has_seconds_and_no_memory(costly, memory):
    write_benchmark(costly, "collect_statistics/m/seed0/aa.jsonl", 0.2, memory)
    found = statistics_rows(costly)
    assert found["seconds"].tolist() == pytest.approx([0.2, 20.2, 60.2])
    assert found["memory_mb"].isna().all()


def test_a_job_that_was_repeated_counts_with_its_mean(costly):
    path = costly / "benchmarks/prune_model/m/seed0/wanda/0.5.jsonl"
    lines = [{"s": 4, "max_rss": 500}, {"s": 8, "max_rss": 900}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = row(scaling_cost.tabulate(costly, "m", grid_of()), method="wanda")
    assert found[["seconds", "memory_mb"]].tolist() == [6, 700]


def test_only_masks_from_dense_statistics_are_compared(costly):
    sequential = {"sequential": run(curve="sequential", rule="prune_sequentially", statistics=[])}
    table = scaling_cost.tabulate(costly, "m", grid_of(METHODS | sequential))
    assert "sequential" not in set(table["method"])


def test_without_a_curve_the_table_is_empty(costly):
    methods = {name: METHODS[name] for name in ("dense", "wanda-en")}
    table = scaling_cost.tabulate(costly, "m", grid_of(methods))
    assert table.empty
    assert list(table.columns) == scaling_cost.COLUMNS
