"""Model folders on this machine."""

import json
import os
from pathlib import Path

import pytest
from command_lines import fetched
from script_calls import call
from smallest_model import MODEL
from tiny import write_llama

from multiprune.errors import InputError
from multiprune.fetch.models import local
from multiprune.files.manifests import check_files, read_manifest
from unit.export.test_checkpoint import random_mask, run_script
from unit.fetch.data import write_files


def fetch(tmp_path, definition):
    """Run the script in `tmp_path`; returns (exit code, lines on stderr, manifest path)."""
    manifest = tmp_path / "models" / "tiny" / "manifest.json"
    words = ["--definition", json.dumps(definition), "--manifest", manifest]
    code, lines = call("fetch_model", *words, "--lock", tmp_path / "lock.yaml")
    return code, lines, manifest


def fetch_local(definition, folder):
    return local.fetch(definition, folder, lambda _folder: None)


def test_files_are_linked_not_copied(tmp_path):
    source = write_files(tmp_path / "own", MODEL | {"notes.md": b"x", "train.bin": b"x"})
    code, _, manifest = fetch(tmp_path, {"kind": "local", "folder": str(source)})
    assert code == 0
    found = {path.name: path for path in manifest.parent.iterdir()}
    assert set(found) == {*MODEL, "manifest.json", ".verified.json"}
    assert read_manifest(manifest)["dtype"] == "float32"  # what `auto` stands for
    for name in MODEL:
        assert found[name].is_symlink()
        assert Path(os.readlink(found[name])) == source / name
    assert read_manifest(manifest)["files"]["config.json"]["bytes"] == len(MODEL["config.json"])


def test_relative_folder_gives_absolute_links(tmp_path, monkeypatch):
    write_files(tmp_path / "own", MODEL)
    target = write_files(tmp_path / "target", {})
    monkeypatch.chdir(tmp_path)
    fetch_local({"kind": "local", "folder": "own"}, target)
    assert os.readlink(target / "config.json") == str(tmp_path / "own" / "config.json")


def test_other_definition_leaves_the_folder_alone(tmp_path):
    source = write_files(tmp_path / "own", MODEL)
    fetch(tmp_path, {"kind": "local", "folder": str(source)})
    other = write_files(tmp_path / "other", MODEL)
    code, lines, manifest = fetch(tmp_path, {"kind": "local", "folder": str(other)})
    assert code == 1
    assert str(other) in lines[-1]
    assert "another key" in lines[-1]
    assert read_manifest(manifest)["definition"]["folder"] == str(source)


def test_rebuild_replaces_the_whole_folder(tmp_path):
    source = write_files(tmp_path / "own", MODEL)
    definition = {"kind": "local", "folder": str(source)}
    _, _, manifest = fetch(tmp_path, definition)
    manifest.unlink()
    (manifest.parent / "stray.txt").write_text("left over")
    fetch(tmp_path, definition)
    assert not (manifest.parent / "stray.txt").exists()
    check_files(manifest)


@pytest.mark.parametrize(
    ("without", "extra", "message"),
    [
        ("config.json", {}, "no config.json"),
        ("model.safetensors", {"consolidated.00.pth": b"x"}, "no weights but consolidated.00.pth"),
        ("model.safetensors", {}, "no weights"),
        ("tokenizer.json", {"tokenizer_config.json": b"{}"}, "no tokenizer"),
    ],
)
def test_lacking_files(tmp_path, without, extra, message):
    files = {name: data for name, data in MODEL.items() if name != without}
    source = write_files(tmp_path / "own", files | extra)
    with pytest.raises(InputError) as caught:
        fetch_local({"kind": "local", "folder": str(source)}, tmp_path / "target")
    assert message in str(caught.value)
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_licences_come_along(tmp_path):
    names = ["LICENSE", "LICENCE.md", "Notice", "USE_POLICY.md", "gemma_terms_of_use.md"]
    left = ["README.md", "terms.bin", ".licence", "policy.md"]
    source = write_files(tmp_path / "own", MODEL | dict.fromkeys([*names, *left], b"x"))
    code, _, manifest = fetch(tmp_path, {"kind": "local", "folder": str(source)})
    assert code == 0
    assert read_manifest(manifest)["files"].keys() == {*MODEL, *names}


@pytest.mark.parametrize("given", ["models--org--tiny", "models--org--tiny/snapshots"])
def test_a_folder_of_the_hubs_cache_says_which_one_to_give(tmp_path, given):
    """There, files of a commit are links to blobs/."""
    cache = tmp_path / "models--org--tiny"
    write_files(cache / "blobs", {str(i): data for i, data in enumerate(MODEL.values())})
    snapshot = write_files(cache / "snapshots" / ("a1" * 20), {})
    for number, name in enumerate(MODEL):
        (snapshot / name).symlink_to(f"../../blobs/{number}")
    target = write_files(tmp_path / "target", {})
    with pytest.raises(InputError) as caught:
        fetch_local({"kind": "local", "folder": str(tmp_path / given)}, target)
    assert str(caught.value) == (
        f"model folder {tmp_path / given}: no config.json; give the folder that holds it: "
        f"{snapshot}"
    )
    fetch_local({"kind": "local", "folder": str(snapshot)}, target)
    assert {path.name for path in target.iterdir()} == set(MODEL)


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        fetch_local({"kind": "local", "folder": str(tmp_path / "nope")}, tmp_path)


def test_an_index_beside_the_whole_model_is_left(tmp_path):
    index = {"model.safetensors.index.json": b'{"weight_map": {"a": "gone.safetensors"}}'}
    source = write_files(tmp_path / "own", MODEL | index)
    target = write_files(tmp_path / "target", {})
    fetch_local({"kind": "local", "folder": str(source)}, target)
    assert {path.name for path in target.iterdir()} == set(MODEL)


def test_missing_shard(tmp_path):
    files = {"config.json": b"{}", "vocab.json": b"{}", "model-00001-of-00002.safetensors": b""}
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"weight_map": {"a": names[0], "b": names[1]}}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    source = write_files(tmp_path / "own", files)
    target = write_files(tmp_path / "target", {})
    with pytest.raises(InputError, match=r"2 files of which 1 are missing \(model-00002"):
        fetch_local({"kind": "local", "folder": str(source)}, target)


def test_licences_travel_from_the_model_folder_into_the_export(tmp_path, monkeypatch):
    own = write_llama(tmp_path / "own")
    licences = {"LICENSE": "yours", "Notice.txt": "by us", "USE_POLICY.md": "be good"}
    for name, text in {**licences, "README.md": "a card"}.items():
        (own / name).write_text(text)
    dense = fetched(own)
    mask = random_mask(tmp_path / "mask", dense)
    run_script(monkeypatch, "--model", dense, "--mask", mask, "--output", tmp_path / "out")
    for name, text in licences.items():
        assert (tmp_path / "out" / name).read_text() == text
    assert not (dense / "README.md").exists()
    assert (tmp_path / "out/README.md").read_text().startswith("---\nlibrary_name:")
