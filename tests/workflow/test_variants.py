"""Sequential propagation, SparseGPT, n:m patterns, chosen constants and exports, by the rules."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from patience import patience
from safetensors.torch import load_file
from workflow.expected import MODEL, PRUNED, evaluations, figures, masks, tables
from workflow.running import Outcome, Workflow, clean_environment

from multiprune.export.checkpoint import pruning_metadata
from multiprune.files.json import read_json
from multiprune.models.loading import load_model
from multiprune.pruning.files import read_mask
from multiprune.pruning.loading import load_pruned
from multiprune.pruning.masks import unpack

OVERLAY = "tiny_variants.yaml"
CONFIG = ("--configfile", "tiny.yaml", OVERLAY)
SEQUENTIAL = {"wanda-sequential 0.5", "m-wanda-sequential 0.5"}
MOVED = {"sparsegpt 0.5"}
GROUPED = {"wanda-2-4 0.5", "ria-4-8 0.5"}
VARIANTS = SEQUENTIAL | MOVED | GROUPED
STRENGTHS = {"strength-0.125": 0.125, "strength-0.25": 0.25}
RUNS = f"results/tiny/{MODEL}/seed0"
LANGUAGES = ("de", "en", "sw")


def prunings() -> set[str]:
    """Pruning with each method of the overlay, by the rule for its kind."""
    return (
        masks(GROUPED)
        | {f"prune_sequentially {MODEL} 0 {name}" for name in SEQUENTIAL}
        | {f"prune_with_update {MODEL} 0 {name}" for name in MOVED}
    )


def sweep_outputs() -> set[str]:
    """The table and the figure of a sweep."""
    figure = f"draw_figure sweep_of_constants {MODEL}"
    return {f"tabulate_results {MODEL} sweep", "join_tables sweep", figure}


@pytest.fixture(scope="module")
def before(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished experiment, with the overlay beside its config."""
    workflow = finished.copy(tmp_path_factory.mktemp("variants") / "project")
    workflow.add_overlay(OVERLAY)
    return workflow


@pytest.fixture(scope="module")
def planned(before: Workflow) -> set[str]:
    return before.jobs(*CONFIG, config=False)


@pytest.fixture(scope="module")
def outcome(before: Workflow, planned: set[str]) -> Outcome:
    """The run that adds the methods, after it was planned."""
    return before.run("--show-failed-logs", *CONFIG, config=False)


@pytest.fixture(scope="module")
def done(before: Workflow, outcome: Outcome) -> Workflow:
    """The experiment with the methods added. Tests read it and never change it."""
    assert outcome.code == 0, outcome.text
    return before


def pruned_file(workflow: Workflow, name: str) -> Path:
    """Mask or weights of a method and sparsity, in the folder of its kind."""
    kind = "weights" if name in MOVED else "masks"
    return workflow.folder / RUNS / kind / f"{name.replace(' ', '/')}.safetensors"


def kept(workflow: Workflow, name: str) -> dict[str, np.ndarray]:
    """bool [rows, columns] by parameter: which weights the mask keeps."""
    read = read_mask(pruned_file(workflow, name))
    return {parameter: unpack(packed, shape) == 1 for parameter, packed, shape in read}


def in_block(parameters: dict[str, np.ndarray], block: int) -> dict[str, np.ndarray]:
    """Those of one decoder block."""
    return {name: keep for name, keep in parameters.items() if f"layers.{block}." in name}


# Plan and files ----------------------------------------------------------------------------------


def test_added_methods_cost_themselves(planned: set[str]):
    # No text, no windows, no statistics: the finished experiment has them.
    swept = {f"evaluate_candidate {MODEL} 0 ria-4-8 {name}" for name in STRENGTHS}
    expected = prunings() | evaluations(VARIANTS) | swept
    expected |= {f"choose_constants {MODEL} 0 ria-4-8"} | sweep_outputs()
    assert planned == expected | tables("perplexity", "allocation") | figures()


def test_the_same_command_again_has_nothing_to_do(done: Workflow):
    assert done.jobs(*CONFIG, config=False) == set()
    assert done.unfinished() == []
    assert [path for path in done.folder.rglob("*progress*") if path.is_dir()] == []


def test_every_artefact_stands_at_its_path(done: Workflow):
    files = {
        kind: {
            path.relative_to(done.folder / RUNS / kind).as_posix()
            for path in (done.folder / RUNS / kind).rglob("*")
            if path.is_file()
        }
        for kind in ("masks", "weights", "sweep")
    }
    pruned = {
        name: {f"{name.replace(' ', '/')}.{ending}" for ending in ("safetensors", "json")}
        for name in PRUNED | VARIANTS
    }
    assert files == {
        "masks": {path for name in pruned.keys() - MOVED for path in pruned[name]},
        "weights": {path for name in MOVED for path in pruned[name]},
        "sweep": {f"ria-4-8/{name}.json" for name in ("chosen", *STRENGTHS)},
    }


# Masks -------------------------------------------------------------------------------------------


def test_2_4_drops_two_of_every_four(done: Workflow):
    parameters = kept(done, "wanda-2-4 0.5")
    assert len(parameters) == 14
    for name, keep in parameters.items():
        assert (keep.reshape(len(keep), -1, 4).sum(axis=2) == 2).all(), name


def test_mixed_4_8_drops_as_many_as_the_chosen_strength_says(done: Workflow):
    """Of two blocks of one size one has the density 1/2 + strength, the other 1/2 - strength."""
    chosen = read_json(done.folder / RUNS / "sweep/ria-4-8/chosen.json")
    strength = chosen["constants"]["allocation.strength"]
    assert strength == STRENGTHS[chosen["chosen"]]
    parameters, dropped = kept(done, "ria-4-8 0.5"), []
    for block in (0, 1):
        groups = [keep.reshape(-1, 8) for keep in in_block(parameters, block).values()]
        dropped.append(set(np.sum(~np.concatenate(groups), axis=1)))
    assert sorted(dropped, key=min) == [{4 - 8 * strength}, {4 + 8 * strength}]
    assert pruning_metadata(pruned_file(done, "ria-4-8 0.5"))["chosen"] == chosen["chosen"]


@pytest.mark.parametrize("method", ["wanda", "m-wanda"])
def test_only_the_first_block_is_that_of_dense_statistics(done: Workflow, method: str):
    dense, sequential = kept(done, f"{method} 0.5"), kept(done, f"{method}-sequential 0.5")
    first = in_block(dense, 0)
    assert len(first) == 7
    for name, keep in first.items():
        np.testing.assert_array_equal(sequential[name], keep, err_msg=name)
    second = in_block(dense, 1)
    assert any((sequential[name] != keep).any() for name, keep in second.items())
    # The allocation is decided on the dense model, so that as many weights go.
    for name, keep in second.items():
        assert sequential[name].sum() == keep.sum(), name


def test_sparsegpt_drops_half_and_moves_the_others(done: Workflow):
    weights = load_file(pruned_file(done, "sparsegpt 0.5"))
    dense = dict(load_model(done.folder / "resources/models" / MODEL).named_parameters())
    assert len(weights) == 14
    for name, weight in weights.items():
        zero = weight == 0
        assert 2 * int(zero.sum()) == zero.numel(), name
        moved = (weight != dense[name]) & ~zero
        assert int(moved.sum()) > 0.1 * zero.numel(), name


# Tables and figures ------------------------------------------------------------------------------


def test_perplexities_of_every_method_are_tabulated(done: Workflow):
    table = pd.read_csv(done.folder / "results/tiny/tables/perplexity.csv")
    expected = {tuple(name.split()) for name in PRUNED | VARIANTS | {"dense 0"}}
    assert set(zip(table["method"], table["sparsity"].map("{:g}".format), strict=True)) == expected
    assert len(table) == len(expected) * len(LANGUAGES)
    perplexities = table.set_index(["method", "sparsity", "language"])["perplexity"]
    for name in VARIANTS:
        method, sparsity = name.split()
        for language in LANGUAGES:
            path = done.folder / RUNS / f"perplexity/{method}/{sparsity}/{language}.json"
            found = perplexities[method, float(sparsity), language]
            assert found == pytest.approx(read_json(path)["perplexity"], rel=1e-12)
            assert found != perplexities["wanda", 0.5, language]


def test_allocations_of_masks_and_of_weights_are_tabulated(done: Workflow):
    table = pd.read_csv(done.folder / "results/tiny/tables/allocation.csv")
    strength = read_json(done.folder / RUNS / "sweep/ria-4-8/chosen.json")["constants"]
    span = strength["allocation.strength"]
    achieved = {method: sorted(rows["achieved"]) for method, rows in table.groupby("method")}
    assert achieved["sparsegpt"] == achieved["wanda-2-4"] == [0.5, 0.5]
    assert achieved["ria-4-8"] == [0.5 - span, 0.5 + span]
    assert achieved["m-wanda-sequential"] == achieved["m-wanda"]


def test_sweep_is_tabulated_and_drawn(done: Workflow):
    results = done.folder / "results/tiny"
    table = pd.read_csv(results / "tables/sweep.csv")
    chosen = read_json(done.folder / RUNS / "sweep/ria-4-8/chosen.json")["chosen"]
    assert set(table["candidate"]) == set(STRENGTHS)
    assert list(table[table["chosen"] == 1]["candidate"]) == [chosen]
    for row in table.itertuples():
        record = read_json(done.folder / RUNS / f"sweep/ria-4-8/{row.candidate}.json")
        logs = [np.log(entry["perplexity"]) for entry in record["languages"].values()]
        assert len(logs) == 2  # the calibration languages
        assert row.perplexity == pytest.approx(np.exp(np.mean(logs)), rel=1e-12)
    figure = results / f"figures/sweep_of_constants-{MODEL}"
    assert figure.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert figure.with_suffix(".png").stat().st_size > 5000
    caption = (results / f"captions/sweep_of_constants-{MODEL}.rst").read_text(encoding="utf-8")
    assert "ria-4-8" in caption


def test_another_candidate_costs_itself_and_what_reads_the_choice(done: Workflow, tmp_path: Path):
    workflow = done.copy(tmp_path / "project")
    with workflow.edit_config(OVERLAY) as overlay:
        overlay["methods"]["ria-4-8"]["choose"]["allocation.strength"].append(0.375)
    expected = {f"evaluate_candidate {MODEL} 0 ria-4-8 strength-0.375"}
    expected |= {f"choose_constants {MODEL} 0 ria-4-8"} | sweep_outputs()
    expected |= masks({"ria-4-8 0.5"}) | evaluations({"ria-4-8 0.5"})
    expected |= tables("perplexity", "allocation") | figures("perplexity", "allocation")
    assert workflow.jobs(*CONFIG, config=False) == expected


# Exports -----------------------------------------------------------------------------------------

EXPORTED = ("wanda-2-4 0.5", "sparsegpt 0.5")
# What a user does: transformers alone, nothing of this project on the path.
LOADING = """
import sys
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

target, text, *folders = sys.argv[1:]
logits = {}
for folder in folders:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logits[folder] = model(ids).logits.contiguous()
save_file({"ids": ids, **logits}, target)
"""


def export_folder(name: str) -> str:
    return f"{RUNS}/export/{name.replace(' ', '/')}"


@pytest.fixture(scope="module")
def exported(done: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The experiment with two pruned models exported, which costs a job each."""
    workflow = done.copy(tmp_path_factory.mktemp("exports") / "project")
    targets = [f"{export_folder(name)}/manifest.json" for name in EXPORTED]
    jobs = workflow.jobs(*targets, *CONFIG, config=False)
    assert jobs == {f"export_model {MODEL} 0 {name}" for name in EXPORTED}
    outcome = workflow.run("--show-failed-logs", *targets, *CONFIG, config=False)
    assert outcome.code == 0, outcome.text
    return workflow


@pytest.fixture(scope="module")
def clean_logits(exported: Workflow) -> dict[str, torch.Tensor]:
    """Logits of the exports by folder, and the tokens, from a process without this project."""
    folders = [export_folder(name) for name in EXPORTED]
    target = exported.folder / "logits"
    command = [sys.executable, "-c", LOADING, target, "alle Menschen sind frei", *folders]
    environment = clean_environment() | {"HF_HUB_OFFLINE": "1"}
    subprocess.run(command, cwd=exported.folder, env=environment, check=True, timeout=patience(360))
    return load_file(target)


@pytest.mark.parametrize("name", EXPORTED)
def test_a_clean_process_loads_the_pruned_model(
    exported: Workflow, clean_logits: dict[str, torch.Tensor], name: str
):
    dense = exported.folder / "resources/models" / MODEL
    with torch.inference_mode():
        model = load_pruned(dense, pruning=pruned_file(exported, name))
        expected = model(clean_logits["ids"]).logits
        unpruned = load_model(dense)(clean_logits["ids"]).logits
    found = clean_logits[export_folder(name)]
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, unpruned, atol=1e-3)


@pytest.mark.parametrize("name", EXPORTED)
def test_the_card_holds_the_perplexities(exported: Workflow, name: str):
    folder = exported.folder / export_folder(name)
    header = (folder / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    pruning = yaml.safe_load(header)["pruning"]
    method, sparsity = name.split()
    assert pruning["method"] == method
    assert pruning["calibration"] == ["de", "en"]
    assert set(pruning["perplexity"]) == set(LANGUAGES)
    for language, row in pruning["perplexity"].items():
        for run, key in ((f"{method}/{sparsity}", "pruned"), ("dense/0", "dense")):
            record = exported.folder / RUNS / f"perplexity/{run}/{language}.json"
            assert row[key] == read_json(record)["perplexity"]


def verified(exported: Workflow, folder: str, tmp_path: Path) -> dict[tuple[str, str], dict]:
    """Rows of `verify_model.py` on a folder by level and name; it must end well."""
    command = ["scripts/verify_model.py", "--model", folder, "--threads", "1"]
    subprocess.run(
        [sys.executable, *command, "--output", tmp_path / "sparsity.csv"],
        cwd=exported.folder,
        env=os.environ,
        check=True,
        capture_output=True,
        timeout=patience(360),
    )
    with (tmp_path / "sparsity.csv").open(newline="") as file:
        return {(row["level"], row["name"]): row for row in csv.DictReader(file)}


@pytest.mark.parametrize("name", EXPORTED)
def test_verify_finds_the_sparsity_of_every_block(exported: Workflow, tmp_path: Path, name: str):
    found = verified(exported, export_folder(name), tmp_path)
    blocks = pruning_metadata(pruned_file(exported, name))["blocks"]
    assert len(blocks) == 2
    for block in blocks:
        row = found["block", str(block["block"])]
        assert int(row["zeros"]) == block["pruned"]
        assert float(row["sparsity"]) == block["sparsity"]
    assert found["model", "all"]["2:4"] == ("yes" if name.startswith("wanda-2-4") else "no")


def test_verify_finds_no_zeros_in_the_dense_model(exported: Workflow, tmp_path: Path):
    found = verified(exported, f"resources/models/{MODEL}", tmp_path)
    assert float(found["model", "all"]["sparsity"]) < 1e-3
