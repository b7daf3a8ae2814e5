"""Blocks that take keys and values from earlier ones, as the small models of Gemma 4 have."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer
from tiny_architectures import load_plainly, randomized
from tiny_builders import of_text

from multiprune.models.weights import ModelWeights
from unit.pruning.sequential.data import SETS, WANDA, prune, samples_of, with_windows
from unit.pruning.sequential.reference_procedure import prune_by_the_book
from unit.pruning.sequential.test_propagation import kept, prune_densely

FULL, SLIDING = "full_attention", "sliding_attention"
UNUSED = [f"model.layers.{block}.self_attn.{m}_proj.weight" for block in (2, 3) for m in "kv"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Four blocks, of which the last two share; files hold what these do not use, too."""
    model = of_text(
        "gemma4_text",
        num_hidden_layers=4,
        num_kv_shared_layers=2,
        layer_types=[SLIDING, FULL, SLIDING, FULL],
        sliding_window=8,
        hidden_size_per_layer_input=16,
        vocab_size_per_layer_input=258,
        global_head_dim=8,
    )
    folder = tmp_path_factory.mktemp("shared")
    randomized(model).save_pretrained(folder / "model")
    byte_tokenizer().save_pretrained(folder / "model")
    path = folder / "model/model.safetensors"
    stored = load_file(path)
    assert not stored.keys() & set(UNUSED)
    save_file(stored | {name: torch.ones(16, 32) for name in UNUSED}, path, {"format": "pt"})
    return with_windows(folder)


def test_what_no_block_uses_is_not_pruned(folder, monkeypatch, tmp_path):
    names = {weight.name for weight in ModelWeights(folder / "model").linear}
    assert not names & set(UNUSED)
    assert {name.replace(".2.", ".0.") for name in UNUSED[:2]} <= names
    assert kept(prune_densely(monkeypatch, folder, tmp_path / "dense", "wanda")).keys() == names


def test_sequential_pruning_equals_the_published_procedure(folder, monkeypatch, tmp_path):
    found = kept(prune(monkeypatch, folder, tmp_path / "mask", "wanda"))
    model = load_plainly("gemma4_text", folder / "model", torch.float64)
    modules = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith("model.layers.")
    }
    sets = {name: samples_of(folder, name) for name in SETS if name != "code"}
    expected = prune_by_the_book(model, modules, sets, WANDA, 0.5)
    assert found.keys() == {f"{name}.weight" for name in expected}
    for name, keep in expected.items():
        np.testing.assert_array_equal(found[f"{name}.weight"], keep.numpy(), err_msg=name)


def test_the_config_says_how_many(folder):
    config = json.loads((folder / "model/config.json").read_text())
    assert config["num_kv_shared_layers"] == 2
    assert ModelWeights(folder / "model").architecture.shared_from == 2
