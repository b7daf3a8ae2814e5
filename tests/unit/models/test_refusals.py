"""Models that cannot be pruned whole are refused in one line, before anything is written."""

import importlib
import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer
from tiny_architectures import random_model, write_model
from tiny_builders import SIZES

from multiprune.errors import InputError
from multiprune.files.manifests import write_manifest
from multiprune.files.tensors import write_tensors
from multiprune.jobs.command import run
from multiprune.models.architectures import ARCHITECTURES, architecture_of
from multiprune.models.loading import load_model
from multiprune.models.weights import ModelWeights
from multiprune.statistics.passes import prunable_modules

LLAMA = ARCHITECTURES["llama"]
EXPERTS = {"moe_intermediate_size": 24, "num_experts_per_tok": 2}
MIXTURES = {
    "mixtral": ("MixtralForCausalLM", "num_local_experts", {"num_experts_per_tok": 2}),
    "qwen2_moe": ("Qwen2MoeForCausalLM", "num_experts", EXPERTS),
    "qwen3_moe": ("Qwen3MoeForCausalLM", "num_local_experts", EXPERTS),
}
MAGNITUDE = {"score": "magnitude", "allocation": {"kind": "uniform"}, "scope": "row"}


def mixture(model_type: str) -> transformers.PreTrainedModel:
    """A random mixture of four experts with two blocks."""
    name, key, options = MIXTURES[model_type]
    config = transformers.AutoConfig.for_model(model_type, **SIZES, **options, **{key: 4})
    return getattr(transformers, name)(config)


def bigcode() -> transformers.PreTrainedModel:
    """A dense model of a class that is not in the table."""
    config = transformers.GPTBigCodeConfig(vocab_size=258, n_embd=16, n_layer=2, n_head=2)
    return transformers.GPTBigCodeForCausalLM(config)


def saved(model, folder):
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    write_manifest(folder, {"kind": "local"})
    return folder


@pytest.mark.parametrize("read", [architecture_of, ModelWeights, load_model])
@pytest.mark.parametrize("model_type", MIXTURES)
def test_a_mixture_of_experts_is_refused_as_such(read, model_type, tmp_path):
    with pytest.raises(InputError) as error:
        read(saved(mixture(model_type), tmp_path))
    key = MIXTURES[model_type][1]
    assert str(error.value) == (
        f"{tmp_path}/config.json: {model_type} is a mixture of experts ({key}: 4), which cannot be "
        "pruned; use a model without experts"
    )


@pytest.mark.parametrize("read", [architecture_of, ModelWeights, load_model])
def test_an_unknown_architecture_is_refused_with_the_list(read, tmp_path):
    with pytest.raises(InputError) as error:
        read(saved(bigcode(), tmp_path))
    assert str(error.value) == (
        f"{tmp_path}/config.json: unknown model_type 'gpt_bigcode': allowed are "
        + ", ".join(sorted(ARCHITECTURES))
    )


INSIDE = {
    "experts": (
        {"model_type": "llama4", "text_config": {"num_local_experts": 16}},
        "llama4 is a mixture of experts (num_local_experts: 16), which cannot be pruned; use a "
        "model without experts",
    ),
    "experts of another text model": (
        {
            "model_type": "mistral3",
            "text_config": {"model_type": "mistral4", "n_routed_experts": 128},
        },
        "mistral3 is a mixture of experts (n_routed_experts: 128), which cannot be pruned; use a "
        "model without experts",
    ),
    "another text model": (
        {"model_type": "mistral3", "text_config": {"model_type": "mamba"}},
        "the text model of mistral3 is mamba, known is ministral3 or mistral; use another model",
    ),
    "a text model in an unknown class": (
        {"model_type": "aya_vision", "text_config": {"model_type": "cohere2"}},
        "aya_vision has a text model (cohere2) beside other parts, and of such models only gemma3, "
        "gemma4, mistral3, qwen2_5_vl, qwen3_vl are known; save the text model alone",
    ),
}


@pytest.mark.parametrize("name", INSIDE)
def test_what_a_model_has_inside_is_refused_in_one_line(name, tmp_path):
    content, message = INSIDE[name]
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(InputError) as error:
        architecture_of(tmp_path)
    assert str(error.value) == f"{tmp_path}/config.json: {message}"


@pytest.mark.parametrize("experts", [0, 1, None])
def test_a_config_that_names_one_expert_is_no_mixture(experts, tmp_path):
    content = {"model_type": "hunyuan_v1_dense", "num_experts": experts}
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert architecture_of(tmp_path) == ARCHITECTURES["hunyuan_v1_dense"]


def script_fails_with(name, arguments, monkeypatch, capsys):
    """The one line that a script ends with."""
    monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        run(importlib.import_module(name).main)
    assert ended.value.code == 1
    [_environment, line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("build", [lambda: mixture("mixtral"), bigcode], ids=["experts", "other"])
def test_scripts_write_nothing_for_a_refused_model(build, tmp_path, monkeypatch, capsys):
    folder = saved(build(), tmp_path / "model")
    windows, output = tmp_path / "windows.safetensors", tmp_path / "output"
    write_tensors(windows, {"input_ids": torch.zeros(2, 8, dtype=torch.int32).numpy()}, {})
    common = ("--model", folder, "--threads", 1, "--output", output)
    collect = ("--dtype", "auto", "--windows", windows, "--batch-tokens", 16)
    collect += ("--activation-threshold", 1.0)
    prune = ("--name", "magnitude", "--method", json.dumps(MAGNITUDE), "--sparsity", 0.5)
    for script, options in (("collect_statistics", collect), ("prune_model", prune)):
        line = script_fails_with(script, (*common, *options), monkeypatch, capsys)
        assert line.startswith(f"error: {folder}/config.json: ")
        assert not output.exists()


@pytest.mark.parametrize("model_type", MIXTURES)
def test_fused_experts_are_refused_even_if_the_class_were_in_the_table(model_type):
    with pytest.raises(InputError, match=r"ForCausalLM: model\.layers\.0\.mlp\.\S+ belongs to a"):
        prunable_modules(mixture(model_type), LLAMA)


def test_a_matrix_outside_a_linear_layer_is_refused():
    model = random_model("llama")
    model.model.layers[1].self_attn.positions = torch.nn.Embedding(4, 8)
    message = r"^LlamaForCausalLM: model\.layers\.1\.self_attn\.positions\.weight belongs to a Emb"
    with pytest.raises(InputError, match=message):
        prunable_modules(model, LLAMA)


def test_three_dimensional_weights_in_a_checkpoint_are_refused(tmp_path):
    path = write_model("llama", tmp_path) / "model.safetensors"
    fused = {"model.layers.0.mlp.experts.gate_up_proj": torch.ones(4, 8, 8)}
    save_file({**load_file(path), **fused}, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"model\.layers\.0\.mlp\.experts\.gate_up_proj has three"):
        ModelWeights(tmp_path)


def test_norms_with_a_weight_for_every_head_are_no_matrices(tmp_path):
    write_model("cohere_with_head_norms", tmp_path)
    names = {weight.name.split(".")[-2] for weight in ModelWeights(tmp_path).linear}
    assert names == {f"{letter}_proj" for letter in "qkvo"} | {"gate_proj", "up_proj", "down_proj"}
