"""Parameters of models, counted in files that are made here."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from multiprune.experiment.resources import JobResources
from multiprune.experiment.sizes import (
    SMALL,
    billions,
    bytes_per_weight,
    in_float32,
    misstated,
)
from multiprune.experiment.validation import validate
from unit.experiment.data import changed


@pytest.fixture
def folder(tmp_path):
    """6 + 20 numbers in two files, and 1,000 that do not count."""
    save_file({"a": np.zeros((2, 3), np.float16)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": np.zeros((4, 5), np.float32)}, tmp_path / "model-00002-of-00002.safetensors")
    save_file({"c": np.zeros(1000)}, tmp_path / "adapter_model.safetensors")
    return tmp_path


def experiment(folder, **stated: float):
    return validate(changed(("models/tiny", {"kind": "local", "folder": str(folder), **stated})))


def test_a_local_model_is_counted_unless_its_size_is_stated(folder):
    assert billions(experiment(folder).models["tiny"]) == 26e-9
    assert billions(experiment(folder, parameters=8).models["tiny"]) == 8


def test_a_model_that_is_not_there_or_cannot_be_read_is_small(tmp_path):
    assert billions(experiment(tmp_path / "none").models["tiny"]) == SMALL
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 20)
    assert billions(experiment(tmp_path).models["tiny"]) == SMALL


def test_what_jobs_ask_for_follows_the_count(folder, monkeypatch):
    resources = JobResources(experiment(folder))
    assert resources._billions("tiny") == 26e-9


@pytest.mark.parametrize(("stated", "lines"), [(20e-9, 0), (35e-9, 0), (8, 1), (15e-9, 1)])
def test_a_stated_size_far_from_the_count_is_said(folder, stated, lines):
    found = list(misstated(experiment(folder, parameters=stated)))
    assert len(found) == lines
    for line in found:
        assert line == (
            f"models.tiny.parameters: says {stated:g} billion, its files hold 2.6e-08; leave it "
            "out, and it is counted"
        )


@pytest.mark.parametrize(
    ("named", "stored", "asked", "size"),
    [
        (None, np.float32, "auto", 4),
        (None, np.float16, "auto", 2),
        ("bfloat16", np.float32, "auto", 2),  # config.json comes first, as in transformers
        (None, np.float32, "bfloat16", 2),
    ],
)
def test_bytes_of_a_weight_are_those_of_the_files(tmp_path, named, stored, asked, size):
    config = {"model_type": "llama"} | ({"torch_dtype": named} if named else {})
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({"a": np.zeros((2, 3), stored)}, tmp_path / "model.safetensors")
    found = experiment(tmp_path, dtype=asked, parameters=2)
    assert bytes_per_weight("tiny", found.models["tiny"]) == size
    assert JobResources(found)._bytes_per_weight("tiny") == size
    lines = list(in_float32(found))
    assert lines == (
        []
        if size == 2
        else [
            "models.tiny.dtype: auto is float32 here, 8 GB of weights; bfloat16 takes half, and on "
            "a GPU a fraction of the time"
        ]
    )
    assert list(in_float32(experiment(tmp_path, dtype=asked, parameters=1))) == []


def test_a_fetched_model_is_looked_at_where_downloads_stand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hub = {"kind": "huggingface", "repo": "a/b", "revision": "main", "parameters": 7}
    found = validate(changed(("models/tiny", hub)))
    assert bytes_per_weight("tiny", found.models["tiny"]) == 2
    folder = tmp_path / "resources/models/tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    save_file({"a": np.zeros((2, 3), np.float32)}, folder / "model.safetensors")
    assert bytes_per_weight("tiny", found.models["tiny"]) == 4
