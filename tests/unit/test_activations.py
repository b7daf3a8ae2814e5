import numpy as np
import pytest
import torch
from tiny import random_model, write_llama
from transformers import LlamaForCausalLM
from transformers.pytorch_utils import Conv1D

from multiprune.activations import collect, distinct_inputs, prunable_modules
from multiprune.architectures import ARCHITECTURES
from multiprune.statistics import SUMS
from multiprune.weights import ModelWeights

LLAMA = ARCHITECTURES["llama"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = write_llama(tmp_path_factory.mktemp("models") / "llama")
    return LlamaForCausalLM.from_pretrained(folder).eval()


def windows(samples=5, length=12, vocabulary=64):
    return np.random.default_rng(0).integers(0, vocabulary, (samples, length)).astype(np.int32)


def sums_by_hooks(model, ids, threshold):
    """The four sums of the input of every linear module, one window at a time, in float64."""
    sums = {}

    def hook(name):
        def add(_module, arguments, _output):
            x = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).double().numpy()
            rms = np.sqrt((x**2).mean(axis=1, keepdims=True))
            parts = (x, x**2, np.abs(x), np.abs(x) > threshold * rms)
            found = {key: part.sum(axis=0) for key, part in zip(SUMS, parts, strict=True)}
            sums[name] = {key: sums.get(name, {}).get(key, 0) + found[key] for key in SUMS}

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
    found = collect(model, ids, LLAMA, batch_tokens=24, threshold=threshold)
    assert len(expected) == 14
    members = {
        member.removesuffix(".weight"): total for i, total in found.items() for member in i.members
    }
    assert members.keys() == expected.keys()
    for name, sums in members.items():
        assert sums.tokens == 60
        for key in ("sum", "sum_sq", "sum_abs"):
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
    whole = collect(model, windows(), LLAMA, batch_tokens=60, threshold=1.0)
    for module_input, sums in collect(model, windows(), LLAMA, batch_tokens, 1.0).items():
        assert sums.tokens == 60
        for key in ("sum", "sum_sq", "sum_abs"):
            expected = whole[module_input].arrays()[key]
            np.testing.assert_allclose(sums.arrays()[key], expected, rtol=1e-4, atol=1e-5)


def test_collecting_leaves_the_model_as_it_was(model):
    ids = torch.from_numpy(windows()).long()
    with torch.no_grad():
        before = model(ids).logits
        collect(model, windows(), LLAMA, batch_tokens=24, threshold=1.0)
        assert torch.equal(model(ids).logits, before)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_statistics_are_taken_in_full_precision_from_a_bfloat16_model(tmp_path):
    model = LlamaForCausalLM.from_pretrained(write_llama(tmp_path), dtype=torch.bfloat16).eval()
    expected = sums_by_hooks(model, windows(), 1.0)
    for module_input, sums in collect(model, windows(), LLAMA, 12, 1.0).items():
        found = sums.arrays()["sum_sq"]
        np.testing.assert_allclose(found, expected[module_input.name]["sum_sq"], rtol=1e-4)


INPUTS_PER_BLOCK = {"cohere": 3, "cohere2": 3}  # attention and feed-forward run side by side


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_every_architecture_has_statistics_for_all_that_is_pruned(model_type, tmp_path):
    model, architecture = random_model(model_type), ARCHITECTURES[model_type]
    model.save_pretrained(tmp_path)
    found = collect(model, windows(), architecture, batch_tokens=24, threshold=1.0)
    members = [member for module_input in found for member in module_input.members]
    linear = ModelWeights(tmp_path).linear
    assert sorted(members) == sorted(weight.name for weight in linear)
    assert set(members) <= set(model.state_dict())
    assert len(found) == 2 * INPUTS_PER_BLOCK.get(model_type, 4)
    channels = {m: len(sums.arrays()["sum"]) for i, sums in found.items() for m in i.members}
    assert channels == {weight.name: weight.columns for weight in linear}
    expected = sums_by_hooks(model, windows(), 1.0)
    assert {f"{name}.weight" for name in expected} == set(members)
    for module_input, sums in found.items():
        np.testing.assert_allclose(
            sums.arrays()["sum_sq"], expected[module_input.name]["sum_sq"], rtol=1e-3, atol=1e-6
        )


def test_embeddings_norms_and_output_head_are_not_prunable(model):
    names = prunable_modules(model, LLAMA)
    assert len(names) == 14
    assert all(name.startswith("model.layers.") and name.endswith("_proj") for name in names)
