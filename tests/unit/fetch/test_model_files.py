"""Which files of a model folder are wanted."""

import json
import subprocess
import sys

import pytest

from multiprune.errors import InputError
from multiprune.fetch.model_files import check_configs, model_files
from unit.fetch.data import SCRIPTS


def test_second_copy_of_the_weights_is_left():
    names = [
        "config.json",
        "tokenizer.model",
        "model-1.safetensors",
        "consolidated.safetensors",
    ]
    assert model_files(names, "x") == ["config.json", "model-1.safetensors", "tokenizer.model"]


def test_a_whole_model_hides_shards_and_their_index():
    rest = ["config.json", "tokenizer.model"]
    index = "model.safetensors.index.json"
    shards = ["model-1-of-2.safetensors", "model-2-of-2.safetensors", index]
    assert model_files([*rest, *shards], "x") == sorted([*rest, *shards])
    every = [*rest, *shards, "model.safetensors", "adapter_model.safetensors"]
    assert model_files(every, "x") == sorted([*rest, "model.safetensors"])


def test_names_of_another_kind_count_where_there_are_no_others():
    names = ["a.safetensors", "b.safetensors", "config.json", "vocab.txt"]
    assert model_files(names, "x") == names


def test_subfolders_and_other_formats_are_left():
    names = ["config.json", "vocab.txt", "model.safetensors", "onnx/model.safetensors", "a.bin"]
    assert model_files(names, "x") == ["config.json", "model.safetensors", "vocab.txt"]


def test_parsing_the_workflow_imports_no_torch():
    """The Snakefile takes SUFFIXES from here, in every job."""
    code = "import multiprune.fetch.model_files, sys; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    "config",
    [
        {"auto_map": {"AutoModel": "code.Model"}},
        {"text_config": {"auto_map": {"AutoModel": "code.Model"}}},
        {"attn_implementation": "org/kernel"},
        {"text_config": {"_attn_implementation": "org/kernel:flash"}},
        {"_attn_implementation": {"text_config": "org/kernel"}},
        {"list": [{"auto_map": {}}]},
    ],
)
def test_code_of_a_repository_is_refused_at_any_depth(tmp_path, config):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"^m: config.json asks for Python code from"):
        check_configs(tmp_path, "m")


def test_attention_of_transformers_itself_is_none(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"_attn_implementation": "sdpa"}))
    check_configs(tmp_path, "m")


@pytest.mark.parametrize("key", ["max_position_embeddings", "n_positions", "max_seq_len"])
def test_positions_that_no_model_has_are_refused(tmp_path, key):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({key: 2**24, "text_config": {key: 2**24}}))
    check_configs(tmp_path, "m")
    path.write_text(json.dumps({"text_config": {key: 2**24 + 1}}))
    with pytest.raises(InputError, match=rf"^m: config.json has {key}: 16777217, at most 16777216"):
        check_configs(tmp_path, "m")


def test_a_config_that_is_nested_too_deeply(tmp_path):
    (tmp_path / "config.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
    with pytest.raises(InputError, match=r"^m: config.json is not JSON \(it is nested too deeply"):
        check_configs(tmp_path, "m")
