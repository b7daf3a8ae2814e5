"""Weights that are there only as pickles: converted, or refused before anything of them is run."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
import tiny
import torch
from refusals.pickled import Trap
from safetensors.torch import load_file
from script_calls import call, refusal

from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import read_manifest
from multiprune.models.folder import pickled_weights


@pytest.fixture
def own(tmp_path) -> Path:
    """A tiny model without its weights; they stand in `weights` beside it."""
    folder = tiny.write_llama(tmp_path / "own")
    shutil.move(folder / "model.safetensors", tmp_path / "weights")
    return folder


def fetching(own: Path) -> list[object]:
    definition = {"kind": "local", "folder": str(own)}
    manifest = own.parent / "models/own/manifest.json"
    lock = own.parent / "lock.yaml"
    return ["--definition", json.dumps(definition), "--manifest", manifest, "--lock", lock]


def test_what_counts_as_pickled_weights():
    shards = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
    assert pickled_weights([*shards, "training_args.bin", "pytorch_model.bin.index.json"]) == shards
    assert pickled_weights([*shards, "model.safetensors"]) == []


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("shards", [1, 2])
def test_pickled_weights_become_the_same_safetensors(own, shards, legacy):
    weights = load_file(own.parent / "weights")
    names = sorted(weights)
    pickled = [f"pytorch_model-{n + 1:05}-of-{shards:05}.bin" for n in range(shards)]
    pickled = ["pytorch_model.bin"] if shards == 1 else pickled
    for number, name in enumerate(pickled):
        part = {key: weights[key] for key in names[number::shards]}
        torch.save(part, own / name, _use_new_zipfile_serialization=not legacy)
    assert call("fetch_model", *fetching(own)) == (0, [])
    folder = own.parent / "models/own"
    found = {}
    for path in folder.glob("*.safetensors"):
        found |= load_file(path)
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[key], weights[key]) for key in weights)
    assert not list(folder.glob("*.bin"))
    noted = read_manifest(folder / "manifest.json")["converted"]
    assert noted == {name: sha256_file(own / name) for name in pickled}


def test_tensors_that_share_memory_are_written_twice(own):
    weights = load_file(own.parent / "weights")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    torch.save(weights, own / "pytorch_model.bin")
    assert call("fetch_model", *fetching(own)) == (0, [])
    found = load_file(own.parent / "models/own/model.safetensors")
    assert torch.equal(found["lm_head.weight"], weights["model.embed_tokens.weight"])


@pytest.mark.parametrize("where", ["whole", "inside"])
def test_a_pickle_that_would_do_something_is_refused_and_has_not(own, where):
    trap = Trap(own.parent / "unpickled")
    if where == "whole":
        (own / "pytorch_model.bin").write_bytes(pickle.dumps(trap))
    else:
        weights = load_file(own.parent / "weights")
        torch.save(weights | {"trap": trap}, own / "pytorch_model.bin")
    line = refusal("fetch_model", *fetching(own))
    assert "its pickled weights are not plain tensors (pytorch_model.bin: Unpick" in line
    assert not (own.parent / "unpickled").exists()
    assert not (own.parent / "models/own").exists()


def test_other_things_than_tensors_are_refused(own):
    torch.save({"epoch": 3}, own / "pytorch_model.bin")
    assert "holds other things than tensors" in refusal("fetch_model", *fetching(own))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "EOFError"), (b"hello world", "KeyError"), (b"PK\x03\x04", "PytorchStreamReader")],
)
def test_a_damaged_pickle_is_one_short_line(own, content, said):
    (own / "pytorch_model.bin").write_bytes(content)
    line = refusal("fetch_model", *fetching(own))
    assert "(pytorch_model.bin: " in line
    assert said in line
    assert "trust" not in line
