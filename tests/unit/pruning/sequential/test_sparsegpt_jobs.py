"""SparseGPT block by block against dense inverses; its weights file, resuming and mistakes."""

import json
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import write_bloom, write_llama
from tiny_architectures import linear_modules, write_model
from transformers import AutoModelForCausalLM

from multiprune.errors import InputError
from multiprune.export.checkpoint import pruning_metadata
from multiprune.files.manifests import checked_fingerprint
from multiprune.files.tensors import opened_tensors, read_metadata
from multiprune.models.loading import forward, load_model
from multiprune.pruning.files import holds_weights, pruning_hash
from multiprune.pruning.loading import load_pruned
from unit.pruning.sequential.data import KILLED as KILLED_AT_THE_THIRD
from unit.pruning.sequential.data import (
    METHODS,
    SETS,
    arguments,
    overflow,
    prune,
    run,
    samples_of,
    with_windows,
)
from unit.pruning.sequential.sparsegpt_reference import update_by_the_book

POOLED = [name for name in SETS if name != "code"]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    write_model("llama", folder / "model")
    return with_windows(folder)


def reference_weights(folder: Path, architecture: str, name: str, sparsity: float):
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float64).eval()
    return update_by_the_book(
        model,
        linear_modules(architecture, model),
        [sample for name in POOLED for sample in samples_of(folder, name)],
        METHODS[name],
        sparsity,
        4 if name.endswith("2-4") else None,
    )


@pytest.mark.parametrize(
    ("architecture", "name", "sparsity"),
    [
        ("llama", "sparsegpt", 0.6),
        ("llama", "sparsegpt-2-4", 0.5),
        ("bloom", "sparsegpt", 0.5),
        ("gpt2", "sparsegpt", 0.5),  # stored transposed
        ("gpt2", "sparsegpt-2-4", 0.5),
    ],
)
def test_equals_dense_inverses_block_by_block(monkeypatch, tmp_path, architecture, name, sparsity):
    """In double precision throughout, so that nothing but the procedure can differ."""
    write_model(architecture, tmp_path / "model", dtype=torch.float64)
    folder = with_windows(tmp_path)
    found = load_file(prune(monkeypatch, folder, tmp_path / "weights", name, sparsity))
    expected = reference_weights(folder, architecture, name, sparsity)
    assert found.keys() == {f"{module}.weight" for module in expected}
    for module, weight in expected.items():
        new = found[f"{module}.weight"]
        assert torch.equal(new == 0, weight == 0), module
        torch.testing.assert_close(new, weight, rtol=1e-6, atol=1e-8)


def test_load_model_gives_the_pruned_model(llama, monkeypatch, tmp_path):
    path = prune(monkeypatch, llama, tmp_path / "weights", "sparsegpt")
    dense, pruned = load_model(llama / "model"), load_pruned(llama / "model", pruning=path)
    stored, parameters = load_file(path), dict(pruned.named_parameters())
    moved = 0
    for name, parameter in dense.named_parameters():
        assert torch.equal(parameters[name], stored.get(name, parameter))
        moved += int(((parameters[name] != 0) & (parameters[name] != parameter)).sum())
    assert moved > sum(weight.numel() for weight in stored.values()) / 4
    tokens = samples_of(llama, "en")[0][None]
    assert not torch.allclose(forward(pruned, tokens), forward(dense, tokens), atol=1e-3)


def test_the_file_says_what_a_mask_says(llama, monkeypatch, tmp_path):
    path = prune(monkeypatch, llama, tmp_path / "weights", "sparsegpt", 0.6)
    mask = prune(monkeypatch, llama, tmp_path / "mask", "wanda", 0.6)
    assert holds_weights(path)
    assert not holds_weights(mask)
    with opened_tensors(path) as one, opened_tensors(mask) as other:
        assert read_metadata(one).keys() == read_metadata(other).keys() | {"artefact"}
    found, masked = pruning_metadata(path), pruning_metadata(mask)
    assert found["options"] == METHODS["sparsegpt"]
    assert found["propagation"] == "sequential"
    assert found["shapes"] == masked["shapes"]
    assert found["inputs"] == masked["inputs"]
    assert found["inputs"]["model"] == checked_fingerprint(llama / "model")
    weights = load_file(path)
    for block in found["blocks"]:
        mine = [w for name, w in weights.items() if f".{block['block']}." in name]
        assert sum(w.numel() for w in mine) == block["parameters"]
        assert sum(int((w == 0).sum()) for w in mine) == block["pruned"]
        # Two whole blocks of 12 columns and what is left of 32: floor(12 * 0.6 * rows) each.
        assert 0.59 < block["sparsity"] <= block["target"] == 0.6
    share = sum(block["pruned"] for block in found["blocks"]) / sum(
        block["parameters"] for block in found["blocks"]
    )
    assert found["achieved_sparsity"] == share


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_keep_the_precision_of_the_model(monkeypatch, tmp_path, dtype):
    write_model("llama", tmp_path / "model", dtype=dtype)
    path = prune(monkeypatch, with_windows(tmp_path), tmp_path / "weights", "sparsegpt-2-4")
    for weight in load_file(path).values():
        assert weight.dtype == dtype
        assert ((weight == 0).reshape(len(weight), -1, 4).sum(dim=2) == 2).all()


# Killed and started again.


@pytest.mark.slow
def test_after_a_kill_the_same_command_finishes_with_the_same_weights(
    monkeypatch, tmp_path, capsys
):
    write_llama(tmp_path / "model", num_hidden_layers=4)
    folder = with_windows(tmp_path)
    undisturbed = prune(monkeypatch, folder, tmp_path / "undisturbed", "sparsegpt")
    output, progress = tmp_path / "out", tmp_path / "out.progress"
    words = arguments(folder, output, "sparsegpt")
    assert run(words, KILLED_AT_THE_THIRD.format(before="")).returncode == -signal.SIGKILL
    assert [path.name for path in sorted(progress.glob("block-*"))] == [
        "block-00000.safetensors", "block-00001.safetensors",
    ]  # fmt: skip
    assert not output.exists()
    capsys.readouterr()
    prune(monkeypatch, folder, output, "sparsegpt")
    lines = capsys.readouterr().out.splitlines()
    earlier = [line.endswith("by an earlier job") for line in lines[:4]]
    assert earlier == [True, True, False, False]
    assert pruning_hash(output) == pruning_hash(undisturbed)
    assert output.read_bytes() == undisturbed.read_bytes()
    assert not progress.exists()


# Mistakes are one line that names the parameter.


def test_a_pattern_that_does_not_fit_names_the_matrix(llama, monkeypatch, tmp_path):
    method = json.dumps({**METHODS["sparsegpt"], "pattern": "3:7"})
    with pytest.raises(InputError) as error:
        prune(monkeypatch, llama, tmp_path / "weights", "sparsegpt", 3 / 7, method=[method])
    assert str(error.value) == (
        "model.layers.0.self_attn.k_proj.weight: has 32 columns, which cannot be cut into groups "
        "of 7; use a pattern n:m whose m divides them, or unstructured"
    )
    assert not list(tmp_path.iterdir())


def test_inputs_that_are_not_finite_name_the_matrix(tmp_path, monkeypatch):
    overflow(with_windows(write_bloom(tmp_path / "model").parent) / "model")
    message = r"^transformer\.h\.0\.\S+\.query_key_value\.weight: has inputs that are not finite"
    with pytest.raises(InputError, match=message):
        prune(monkeypatch, tmp_path, tmp_path / "weights", "sparsegpt")


def test_sparsegpt_has_no_contrast_set(llama, monkeypatch, tmp_path):
    code = [str(llama / "windows/code.safetensors")]
    with pytest.raises(InputError, match=r"^--contrast-windows: goes with the norm contrast and"):
        prune(monkeypatch, llama, tmp_path / "weights", "sparsegpt", contrast_windows=code)
