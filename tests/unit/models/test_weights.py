import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import write_bloom, write_gpt2, write_llama
from tiny_architectures import ARCHITECTURES as TINY
from tiny_architectures import linear_modules, random_model

from multiprune.errors import InputError
from multiprune.models.architectures import ARCHITECTURES, architecture_of, is_down_projection
from multiprune.models.loading import load_model
from multiprune.models.weights import LinearWeight, ModelWeights, weight_files


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return write_llama(tmp_path_factory.mktemp("models") / "llama")


def test_linear_weights_of_a_llama(llama):
    weights = ModelWeights(llama)
    found = {weight.name.removeprefix("model.layers.1."): weight for weight in weights.linear[7:]}
    assert {name: (w.rows, w.columns, w.block) for name, w in found.items()} == {
        "mlp.down_proj.weight": (32, 48, 1),
        "mlp.gate_proj.weight": (48, 32, 1),
        "mlp.up_proj.weight": (48, 32, 1),
        "self_attn.k_proj.weight": (16, 32, 1),
        "self_attn.o_proj.weight": (32, 32, 1),
        "self_attn.q_proj.weight": (32, 32, 1),
        "self_attn.v_proj.weight": (16, 32, 1),
    }
    assert (
        sum(weight.size for weight in weights.by_block()[0])
        == 3 * 48 * 32 + 2 * 32 * 32 + 2 * 16 * 32
    )


@pytest.mark.parametrize("write", [write_llama, write_gpt2, write_bloom])
def test_weights_are_those_of_the_loaded_model(write, tmp_path):
    write(tmp_path)
    model, weights = load_model(tmp_path), ModelWeights(tmp_path)
    for weight in weights.linear:
        parameter = model.get_parameter(weight.name).detach()
        assert tuple(parameter.shape) == weight.stored_shape
        expected = parameter.T if weight.transposed else parameter
        assert torch.equal(weights.read(weight), expected)


def test_blocks_stand_in_order_even_beyond_nine(tmp_path):
    write_llama(tmp_path, num_hidden_layers=11)
    assert list(ModelWeights(tmp_path).by_block()) == list(range(11))


def test_sharded_checkpoints_are_read_as_one(llama, tmp_path):
    tensors = load_file(llama / "model.safetensors")
    names = sorted(tensors)
    for number, part in enumerate((names[::2], names[1::2]), 1):
        shard = {name: tensors[name] for name in part}
        save_file(shard, tmp_path / f"model-{number:05}-of-00002.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_text((llama / "config.json").read_text())
    whole, shards = ModelWeights(llama), ModelWeights(tmp_path)
    assert shards.linear == whole.linear
    assert all(torch.equal(shards.read(w), whole.read(w)) for w in whole.linear)


@pytest.mark.parametrize("sharded", [False, True])
def test_weights_that_stand_in_a_folder_twice_count_once(sharded, llama, tmp_path):
    """Mistral's folders hold consolidated.safetensors too, with names of its own."""
    tensors = load_file(llama / "model.safetensors")
    second = {name.removeprefix("model."): torch.zeros_like(t) for name, t in tensors.items()}
    save_file(second, tmp_path / "consolidated.safetensors")
    own = {"layers.0.attention.wq.weight": torch.zeros(32, 32)}
    save_file(own, tmp_path / "zzz.safetensors")
    (tmp_path / "config.json").write_text((llama / "config.json").read_text())
    if sharded:
        save_file(tensors, tmp_path / "model-00001-of-00001.safetensors", {"format": "pt"})
        shards = dict.fromkeys(tensors, "model-00001-of-00001.safetensors")
        index = {"metadata": {}, "weight_map": shards}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    else:
        save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    found, alone = ModelWeights(tmp_path), ModelWeights(llama)
    assert found.linear == alone.linear
    assert all(torch.equal(found.read(w), alone.read(w)) for w in alone.linear)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["model-1", "model-2", "consolidated"], ["model-1", "model-2"]),
        (["model", "model-1", "adapter_model"], ["model"]),
        (["b", "a"], ["a", "b"]),
    ],
)
def test_files_that_count_without_an_index(names, expected, tmp_path):
    for name in names:
        (tmp_path / f"{name}.safetensors").touch()
    assert [path.stem for path in weight_files(tmp_path)] == expected


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}']
)
def test_a_broken_index_is_one_line(content, llama, tmp_path):
    (tmp_path / "config.json").write_text((llama / "config.json").read_text())
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(InputError, match=r"index\.json: is not an index of weights"):
        ModelWeights(tmp_path)


def test_a_missing_shard_is_one_line(llama, tmp_path):
    (tmp_path / "config.json").write_text((llama / "config.json").read_text())
    index = '{"weight_map": {"model.layers.0.mlp.up_proj.weight": "gone.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(InputError, match=r"gone\.safetensors: no such file"):
        ModelWeights(tmp_path)


@pytest.mark.parametrize("load", [ModelWeights, load_model])
def test_a_folder_without_safetensors_is_one_line(load, llama, tmp_path):
    (tmp_path / "config.json").write_text((llama / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(error.value)
    assert "safetensors" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"config\.json: no such file; a Hugging Face model folder is needed"),
        ("{", r"config\.json: is not a model's config with a model_type"),
        ("{}", r"config\.json: is not a model's config with a model_type"),
        ("[]", r"config\.json: is not a model's config with a model_type"),
        (
            json.dumps({"model_type": "lama"}),
            r"unknown model_type 'lama': allowed are apertus, .*; did you mean 'llama'\?",
        ),
    ],
)
def test_config_mistakes_are_one_line(content, message, tmp_path):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match=message):
        architecture_of(tmp_path)


def test_a_model_without_blocks_is_one_line(tmp_path):
    save_file({"lm_head.weight": torch.ones(4, 4)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(InputError, match=r"no linear weight under model\.layers\.\*"):
        ModelWeights(tmp_path)


def test_a_broken_file_is_set_aside(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 64)
    with pytest.raises(
        InputError, match=r"is not a safetensors file .* run the same command again"
    ):
        ModelWeights(tmp_path)
    assert [path.name for path in tmp_path.glob("model*")] == ["model.safetensors.corrupt"]


@pytest.mark.parametrize(
    ("model_type", "stored", "state"),
    [
        ("llama", "model.layers.3.mlp.up_proj.weight", "model.layers.3.mlp.up_proj.weight"),
        ("llama", "layers.3.mlp.up_proj.weight", "model.layers.3.mlp.up_proj.weight"),
        ("llama", "lm_head.weight", "lm_head.weight"),
        ("bloom", "h.3.mlp.dense_4h_to_h.weight", "transformer.h.3.mlp.dense_4h_to_h.weight"),
        ("gpt2", "h.3.attn.c_attn.weight", "transformer.h.3.attn.c_attn.weight"),
        ("gpt2", "transformer.h.3.attn.c_attn.weight", "transformer.h.3.attn.c_attn.weight"),
        ("bloom", "word_embeddings.weight", "word_embeddings.weight"),
        ("opt", "decoder.layers.3.fc1.weight", "model.decoder.layers.3.fc1.weight"),
        (
            "gemma3",
            "language_model.model.layers.3.mlp.up_proj.weight",
            "model.language_model.layers.3.mlp.up_proj.weight",
        ),
        (
            "gemma3",
            "model.language_model.layers.3.mlp.up_proj.weight",
            "model.language_model.layers.3.mlp.up_proj.weight",
        ),
        (
            "qwen2_5_vl",
            "model.layers.3.mlp.up_proj.weight",
            "model.language_model.layers.3.mlp.up_proj.weight",
        ),
        ("qwen2_5_vl", "visual.blocks.3.mlp.up_proj.weight", "visual.blocks.3.mlp.up_proj.weight"),
    ],
)
def test_names_in_checkpoints(model_type, stored, state):
    assert ARCHITECTURES[model_type].state_name(stored) == state


@pytest.mark.parametrize(
    ("name", "shape", "prunable"),
    [
        ("model.layers.3.mlp.up_proj.weight", (4, 4), True),
        ("model.layers.13.self_attn.q_norm.weight", (4,), False),
        ("model.layers.3.self_attn.q_proj.bias", (4,), False),
        ("model.embed_tokens.weight", (4, 4), False),
        ("lm_head.weight", (4, 4), False),
    ],
)
def test_only_linear_weights_inside_blocks_are_prunable(name, shape, prunable):
    assert ARCHITECTURES["llama"].is_prunable(name, shape) is prunable


def test_index_of_a_block():
    assert ARCHITECTURES["bloom"].block_index("transformer.h.12.mlp.dense") == 12
    assert ARCHITECTURES["bloom"].block_index("transformer.ln_f") is None


@pytest.mark.parametrize(
    ("module", "down"),
    [
        ("model.layers.0.mlp.down_proj", True),
        ("transformer.h.0.mlp.dense_4h_to_h", True),
        ("transformer.h.0.mlp.c_proj", True),
        ("model.layers.0.fc2", True),
        ("transformer.h.0.attn.c_proj", False),
        ("model.layers.0.self_attn.o_proj", False),
        ("model.layers.0.mlp.up_proj", False),
    ],
)
def test_down_projections(module, down):
    assert is_down_projection(module) is down


@pytest.mark.parametrize("name", sorted(TINY))
def test_every_architecture_has_one_down_projection_a_block(name):
    modules = linear_modules(name, random_model(name))
    [down] = TINY[name].shared_inputs[-1]
    expected = {f"{TINY[name].blocks}.{block}.{down}" for block in (0, 1)}
    assert {module for module in modules if is_down_projection(module)} == expected


def test_stored_shape_of_transposed_weights():
    weight = LinearWeight("x", block=0, rows=48, columns=16, transposed=True)
    assert (weight.stored_shape, weight.size) == ((16, 48), 768)
