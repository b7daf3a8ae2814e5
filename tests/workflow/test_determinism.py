"""The same config on the same machine makes the same bytes, whatever the order of its entries.

One side is `finished`, the other a clone that runs from nothing in another folder, beside another
run, with one core instead of two, every mapping and list of its config turned round, and modules
altered that are said to change no result (`code_digest.NEUTRAL`). What holds
times may differ, and only that: logs/, benchmarks/, and ORIGIN, with the hashes of benchmarks,
since claims on costs are judged by them. (In this experiment no such claim can be measured; where
one is, its row in claims.csv and what shows it follow the benchmarks, too.)

PyTorch promises equal numbers for one number of threads only. Statistics, masks and perplexities
are compared byte for byte between one and two threads below, on a model whose matrices are large
enough to be shared out. A GPU could not be tried.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from workflow.running import Workflow, backwards
from workflow.twins import ALTERED, Twins

import collect_statistics
import evaluate_perplexity
import prune_model
from multiprune.experiment import config as experiment
from multiprune.experiment import table_grids
from multiprune.experiment.config import canonical
from multiprune.fetch.splits import write_splits
from multiprune.files.json import read_json
from multiprune.files.manifests import write_manifest
from multiprune.files.tensors import write_tensors
from multiprune.jobs.code_digest import NEUTRAL

ORIGIN = "tables/by_model/tiny-llama/.claims.csv.origin.json"
TIMES = ("logs/", "benchmarks/")
RUN = "tiny-llama/seed0"


def artefacts(workflow: Workflow) -> dict[str, bytes]:
    """Every file of the results that is no log and no benchmark, hidden ones too."""
    found = workflow.files("results/tiny")
    return {name: content for name, content in found.items() if not name.startswith(TIMES)}


def test_a_run_in_another_order_and_place_makes_the_same_bytes(finished: Workflow, twins: Twins):
    assert twins.outcomes[1].code == 0, twins.outcomes[1].text
    first, second = artefacts(finished), artefacts(twins.whole)
    assert first.keys() == second.keys()
    assert len(first) > 90
    assert [name for name in first if first[name] != second[name]] == [ORIGIN]
    for kind, count in (("masks", 2 * 5), ("statistics", 2), ("perplexity", 18)):
        assert sum(name.startswith(f"{RUN}/{kind}/") for name in first) == count


def test_every_module_that_changes_no_result_was_altered():
    assert set(ALTERED) == NEUTRAL


def test_downloads_are_the_same(finished: Workflow, twins: Twins):
    """`.verified.json` holds the times of the files."""
    first, second = (
        {n: b for n, b in w.files("resources").items() if not n.endswith(".verified.json")}
        for w in (finished, twins.whole)
    )
    assert len(first) > 15
    assert first == second


# The order of entries ----------------------------------------------------------------------------


def settings(config: dict) -> str:
    """All that jobs are told of a config, as their parameters hold it."""
    config = experiment.validate(config)
    grids = [
        table_grids.table_grid(config),
        table_grids.allocation_grid(config),
        table_grids.correlation_grid(config),
        table_grids.downstream_grid(config),
        experiment.all_calibration_sets(config),
        sorted(experiment.grid(config)),
        {name: experiment.method_options(config, name) for name in config["methods"]},
        {name: experiment.calibration_sets(config, name) for name in config["methods"]},
        {name: experiment.seeds_of(config, name) for name in config["methods"]},
    ]
    return json.dumps([json.loads(canonical(part)) for part in grids])


def test_the_order_of_seeds_sparsities_languages_and_methods_tells_jobs_nothing():
    config = tiny.small_config() | {"seeds": [0, 2, 1], "sparsities": [0.25, 0.5, 0.75]}
    config["methods"]["wanda-both"] = {"score": "wanda", "calibration": ["de", "en"]}
    reverse = backwards(config)
    assert json.dumps(reverse) != json.dumps(config)
    assert settings(reverse) == settings(config)
    other = config | {"seeds": [0, 2]}
    assert settings(other) != settings(config)


# Threads -----------------------------------------------------------------------------------------

OPTIONS = {
    "score": "wanda",
    "scope": "row",
    "pattern": "unstructured",
    "norm": {"kind": "pooled", "weighting": "tokens"},
    "allocation": {"kind": "owl", "strength": 0.08, "outlier_multiple": 5},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with 256 channels, windows and a text."""
    folder = tmp_path_factory.mktemp("threads")
    tiny.write_llama(folder / "model", hidden_size=256, intermediate_size=688)
    write_manifest(folder / "model", {})
    draw = np.random.default_rng(0)
    windows = draw.integers(2, 258, (8, 64)).astype(np.int32)
    write_tensors(folder / "en.safetensors", {"input_ids": windows}, {"seed": "0"})
    texts = tiny.write_texts(folder / "texts", ["en"])
    rows = [
        {"id": str(number), "text": text}
        for number, text in enumerate((texts / "en.txt").read_text().split("\n\n"))
    ]
    corpus = folder / "corpora/words/en"
    corpus.mkdir(parents=True)
    write_splits(corpus, dict.fromkeys(("calibration", "validation", "test"), rows[:8]), "en")
    write_manifest(corpus, {})
    return folder


def make(inputs: Path, output: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics, a mask and a perplexity, each by its script in this process."""
    model = ["--model", inputs / "model", "--threads", threads]
    windows, statistics = inputs / "en.safetensors", output / "en.safetensors"
    mask = output / "mask.safetensors"
    commands = {
        collect_statistics: [
            "--dtype", "auto", "--windows", windows, "--batch-tokens", 512,
            "--activation-threshold", 1, "--output", statistics],
        prune_model: [
            "--statistics", statistics, "--name", "owl", "--method", json.dumps(OPTIONS),
            "--sparsity", 0.5, "--seed", 0, "--output", mask],
        evaluate_perplexity: [
            "--dtype", "auto", "--mask", mask, "--seed", 0, "--method", "owl", "--sparsity", 0.5,
            "--corpora", inputs / "corpora", "--languages", '{"en": "words"}', "--split", "test",
            "--length", 64, "--batch-tokens", 512, "--cache", output / "cache",
            "--output", output],
    }  # fmt: skip
    for script, arguments in commands.items():
        monkeypatch.setattr("sys.argv", ["x", *map(str, [*model, *arguments])])
        script.main()
        assert torch.get_num_threads() == threads


def test_one_and_two_threads_make_the_same_bytes(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    try:
        for folder, count in (("one", 1), ("two", 2), ("again", 2)):
            make(inputs, tmp_path / folder, count, monkeypatch)
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
    for name in ("en.safetensors", "mask.safetensors", "en.json"):
        made = {
            folder: (tmp_path / folder / name).read_bytes() for folder in ("one", "two", "again")
        }
        assert made["two"] == made["again"], name
        assert made["one"] == made["two"], name
    assert 1 < read_json(tmp_path / "one/en.json")["perplexity"] < 1000
