import numpy as np
import pytest
import tiny_architectures
import torch
from tiny import write_llama
from tiny_architectures import random_model
from transformers import LlamaForCausalLM
from transformers.pytorch_utils import Conv1D

import collect_statistics
from multiprune.calibration.windows import Windows
from multiprune.files.manifests import write_manifest
from multiprune.files.tensors import write_tensors
from multiprune.models.architectures import ARCHITECTURES
from multiprune.models.weights import ModelWeights
from multiprune.statistics.files import StatisticsFiles
from multiprune.statistics.passes import collect, distinct_inputs, prunable_modules
from multiprune.statistics.residual import ResidualNorms

LLAMA = ARCHITECTURES["llama"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = write_llama(tmp_path_factory.mktemp("models") / "llama")
    return LlamaForCausalLM.from_pretrained(folder).eval()


KEYS = ("sum_sq", "active")
COUNTS = {"active": 1.0}


def all_windows() -> Windows:
    return Windows.full(windows())


def windows(samples=5, length=12, vocabulary=64):
    return np.random.default_rng(0).integers(0, vocabulary, (samples, length)).astype(np.int32)


def sums_by_hooks(model, ids, threshold):
    """The four sums of the input of every linear module, one window at a time, in float64."""
    sums = {}

    def hook(name):
        def add(_module, arguments, _output):
            x = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).double().numpy()
            rms = np.sqrt((x**2).mean(axis=1, keepdims=True))
            parts = (x**2, np.abs(x) > threshold * rms)
            found = {key: part.sum(axis=0) for key, part in zip(KEYS, parts, strict=True)}
            sums[name] = {key: sums.get(name, {}).get(key, 0) + found[key] for key in KEYS}

        return add

    hooks = [
        module.register_forward_hook(hook(name))
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and "lm_head" not in name
    ]
    with torch.no_grad():
        for window in ids:
            model(input_ids=torch.from_numpy(window[None]).long(), use_cache=False)
    for handle in hooks:
        handle.remove()
    return sums


@pytest.mark.parametrize("threshold", [1.0, 0.5])
def test_sums_are_those_of_independent_hooks_on_every_linear_module(model, threshold):
    ids = windows()
    expected = sums_by_hooks(model, ids, threshold)
    found = collect(model, Windows.full(ids), LLAMA, batch_tokens=24, counts={"active": threshold})
    assert len(expected) == 14
    members = {
        member.removesuffix(".weight"): total for i, total in found.items() for member in i.members
    }
    assert members.keys() == expected.keys()
    for name, sums in members.items():
        assert sums.tokens == 60
        for key in ("sum_sq",):
            np.testing.assert_allclose(
                sums.arrays()[key], expected[name][key], rtol=1e-4, atol=1e-5, err_msg=name
            )
        np.testing.assert_array_equal(sums.arrays()["active"], expected[name]["active"])


def test_query_key_value_share_an_input_and_so_do_gate_and_up(model):
    by_block = {0: [], 1: []}
    for module_input, channels in distinct_inputs(model, LLAMA).items():
        prefix = f"model.layers.{module_input.block}."
        members = tuple(
            m.removeprefix(prefix).removesuffix(".weight") for m in module_input.members
        )
        by_block[module_input.block].append((members, channels))
    expected = [
        (("mlp.down_proj",), 48),
        (("mlp.gate_proj", "mlp.up_proj"), 32),
        (("self_attn.k_proj", "self_attn.q_proj", "self_attn.v_proj"), 32),
        (("self_attn.o_proj",), 32),
    ]
    assert {block: sorted(found) for block, found in by_block.items()} == {0: expected, 1: expected}


@pytest.mark.parametrize("batch_tokens", [1, 12, 36, 10_000])
def test_batch_size_changes_nothing(model, batch_tokens):
    whole = collect(model, all_windows(), LLAMA, batch_tokens=60, counts=COUNTS)
    for module_input, sums in collect(model, all_windows(), LLAMA, batch_tokens, COUNTS).items():
        assert sums.tokens == 60
        for key in ("sum_sq",):
            expected = whole[module_input].arrays()[key]
            np.testing.assert_allclose(sums.arrays()[key], expected, rtol=1e-4, atol=1e-5)


def test_collecting_leaves_the_model_as_it_was(model):
    ids = torch.from_numpy(windows()).long()
    with torch.no_grad():
        before = model(ids).logits
        collect(model, all_windows(), LLAMA, batch_tokens=24, counts=COUNTS)
        assert torch.equal(model(ids).logits, before)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_statistics_are_taken_in_full_precision_from_a_bfloat16_model(tmp_path):
    model = LlamaForCausalLM.from_pretrained(write_llama(tmp_path), dtype=torch.bfloat16).eval()
    expected = sums_by_hooks(model, windows(), 1.0)
    for module_input, sums in collect(model, all_windows(), LLAMA, 12, COUNTS).items():
        found = sums.arrays()["sum_sq"]
        np.testing.assert_allclose(found, expected[module_input.name]["sum_sq"], rtol=1e-4)


@pytest.mark.parametrize("name", sorted(tiny_architectures.ARCHITECTURES))
def test_every_architecture_has_statistics_for_all_that_is_pruned(name, tmp_path):
    tiny, model = tiny_architectures.ARCHITECTURES[name], random_model(name)
    architecture = ARCHITECTURES[model.config.model_type]
    model.save_pretrained(tmp_path)
    found = collect(model, all_windows(), architecture, batch_tokens=24, counts=COUNTS)
    members = [member for module_input in found for member in module_input.members]
    linear = ModelWeights(tmp_path).linear
    assert sorted(members) == sorted(weight.name for weight in linear)
    assert set(members) <= set(model.state_dict())
    assert len(found) == 2 * len(tiny.shared_inputs)
    channels = {m: len(sums.arrays()["sum_sq"]) for i, sums in found.items() for m in i.members}
    assert channels == {weight.name: weight.columns for weight in linear}
    expected = sums_by_hooks(model, windows(), 1.0)
    assert {f"{name}.weight" for name in expected if tiny.blocks in name} == set(members)
    for module_input, sums in found.items():
        np.testing.assert_allclose(
            sums.arrays()["sum_sq"], expected[module_input.name]["sum_sq"], rtol=1e-3, atol=1e-6
        )


# Samples of different lengths, padded on the right.

LENGTHS = np.array([3, 12, 1, 7, 12, 5], dtype=np.int32)


@pytest.mark.parametrize("batch_tokens", [1, 24, 1000])
@pytest.mark.parametrize("name", sorted(tiny_architectures.ARCHITECTURES))
def test_ragged_samples_count_as_each_does_alone(name, batch_tokens):
    """What stands in the padding, even real words, is neither read nor counted."""
    model = random_model(name)
    architecture = ARCHITECTURES[model.config.model_type]
    ids = windows(samples=6)
    alone = [
        collect(model, Windows.full(row[None, :length]), architecture, 1, COUNTS)
        for row, length in zip(ids, LENGTHS, strict=True)
    ]
    for padding in (0, 63):
        padded = np.where(np.arange(12) < LENGTHS[:, None], ids, padding).astype(np.int32)
        found = collect(model, Windows(padded, LENGTHS), architecture, batch_tokens, COUNTS)
        assert found.keys() == alone[0].keys()
        for module_input, sums in found.items():
            assert sums.tokens == LENGTHS.sum() == 40
            for key in ("sum_sq",):
                expected = sum(one[module_input].arrays()[key] for one in alone)
                np.testing.assert_allclose(
                    sums.arrays()[key], expected, rtol=1e-3, atol=1e-4, err_msg=module_input.name
                )


def test_full_lengths_are_plain_windows_to_the_last_bit(model):
    plain = collect(model, all_windows(), LLAMA, 24, COUNTS)
    full = collect(model, Windows(windows(), np.full(5, 12, dtype=np.int32)), LLAMA, 24, COUNTS)
    for module_input, sums in plain.items():
        for key, array in sums.arrays().items():
            np.testing.assert_array_equal(full[module_input].arrays()[key], array)


@pytest.mark.parametrize("batch_tokens", [1, 24, 1000])
@pytest.mark.parametrize("lengths", [LENGTHS + 1, np.full(6, 13, dtype=np.int32)])
def test_a_start_token_that_does_not_count_is_still_read(model, batch_tokens, lengths):
    """With it there, the sums over the others are all sums less those of its own position."""
    ids = np.hstack([np.full((6, 1), 5), windows(samples=6)]).astype(np.int32)
    counted = collect(model, Windows(ids, lengths), LLAMA, batch_tokens, COUNTS)
    read = collect(model, Windows(ids, lengths, first=1), LLAMA, batch_tokens, COUNTS)
    alone = collect(
        model, Windows.full(ids[:1, :1]), LLAMA, 1, COUNTS
    )  # it sees nothing but itself
    for module_input, sums in read.items():
        assert sums.tokens == lengths.sum() - 6
        for key, found in sums.arrays().items():
            whole, start = (sums[module_input].arrays()[key] for sums in (counted, alone))
            np.testing.assert_allclose(found, whole - 6 * start, rtol=1e-4, atol=1e-4)


def run_script(monkeypatch, folder, output, *thresholds):
    """collect_statistics.py with `model` and `drawn.safetensors` of a folder."""
    arguments = {
        "model": folder / "model", "dtype": "auto", "windows": folder / "drawn.safetensors",
        "batch-tokens": 24, "activation-threshold": 1.0, "threads": 1, "output": folder / output,
    }  # fmt: skip
    flags = [f"--{key}={value}" for key, value in arguments.items()]
    flags += ["--activation-thresholds", *map(str, thresholds)]
    monkeypatch.setattr("sys.argv", ["collect_statistics.py", *flags])
    collect_statistics.main()
    return folder / output


def test_the_script_counts_at_every_threshold(tmp_path, monkeypatch):
    write_llama(tmp_path / "model")
    write_manifest(tmp_path / "model", {})
    write_tensors(tmp_path / "drawn.safetensors", {"input_ids": windows()}, {})
    run_script(monkeypatch, tmp_path, "one.safetensors", 1.0)
    path = run_script(monkeypatch, tmp_path, "en.safetensors", 2.0, 1.0, 0.5)
    model = LlamaForCausalLM.from_pretrained(tmp_path / "model").eval()
    expected = {
        threshold: collect(model, all_windows(), LLAMA, 24, {"active": threshold})
        for threshold in (0.5, 2)
    }
    with StatisticsFiles([path]) as files, StatisticsFiles([tmp_path / "one.safetensors"]) as one:
        for module_input in files.inputs:
            for threshold, sums in expected.items():
                (found,) = files.read(module_input, True, threshold)
                np.testing.assert_array_equal(found.active, sums[module_input].arrays()["active"])
            (found,), (plain,) = (s.read(module_input, True) for s in (files, one))
            np.testing.assert_array_equal(found.active, plain.active)
            np.testing.assert_array_equal(found.sum_sq, plain.sum_sq)


def test_the_script_counts_no_padding(tmp_path, monkeypatch):
    write_llama(tmp_path / "model", max_position_embeddings=12)
    write_manifest(tmp_path / "model", {})
    padded = np.zeros((6, 40), dtype=np.int32)  # wider than the model's positions
    padded[:, :12] = np.where(np.arange(12) < LENGTHS[:, None], windows(samples=6), 0)
    drawn = {"input_ids": padded, "lengths": LENGTHS}
    write_tensors(tmp_path / "drawn.safetensors", drawn, {})
    path = run_script(monkeypatch, tmp_path, "en-fr.safetensors")
    model = LlamaForCausalLM.from_pretrained(tmp_path / "model").eval()
    with StatisticsFiles([path]) as files:
        for module_input in files.inputs:
            (found,) = files.read(module_input)
            assert found.tokens == 40
            expected = sum(
                sums_by_hooks(model, row[None, :length], 1.0)[module_input.name]["sum_sq"]
                for row, length in zip(padded, LENGTHS, strict=True)
            )
            np.testing.assert_allclose(found.sum_sq, expected, rtol=1e-4, atol=1e-6)


def test_embeddings_norms_and_output_head_are_not_prunable(model):
    names = prunable_modules(model, LLAMA)
    assert len(names) == 14
    assert all(name.startswith("model.layers.") and name.endswith("_proj") for name in names)


@pytest.mark.parametrize("block", [0, -1], ids=["at once", "half-way"])
def test_a_batch_that_a_gpu_has_no_memory_for_is_passed_in_halves(model, block, capsys):
    def few_rows(_module, arguments):
        if len(arguments[0]) > 2:
            raise torch.OutOfMemoryError

    whole, halves = ResidualNorms(), ResidualNorms()
    expected = collect(model, all_windows(), LLAMA, 1000, COUNTS, whole)
    hook = model.model.layers[block].mlp.down_proj.register_forward_pre_hook(few_rows)
    found = collect(model, all_windows(), LLAMA, 1000, COUNTS, halves)
    hook.remove()
    assert "no memory for 5 texts at a time" in capsys.readouterr().out
    for module_input, total in expected.items():
        assert found[module_input].tokens == total.tokens
        for key, values in total.arrays().items():
            np.testing.assert_allclose(found[module_input].arrays()[key], values, rtol=1e-6)
    np.testing.assert_allclose(halves.arrays(), whole.arrays(), rtol=1e-6)
