"""Which files of a model folder are wanted."""

import subprocess
import sys

from multiprune.fetch.model_files import model_files
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
