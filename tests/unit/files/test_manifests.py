import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.files import manifests
from multiprune.files.folders import IN_PROGRESS
from multiprune.files.manifests import (
    A_DAY,
    VERIFIED,
    check_files,
    checked_fingerprint,
    fill_folder,
    fingerprint,
    other_definition,
    read_manifest,
    write_manifest,
)

DEFINITION = {"kind": "local", "folder": "x"}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"alpha")
    (folder / "sub" / "b.txt").write_bytes(b"beta!!")
    write_manifest(folder, DEFINITION, "r1", package="p")
    return folder


def rot(path: Path) -> None:
    """Turn a byte of a file round; its size and its time stay."""
    state = path.stat()
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


class TestContent:
    def test_names_sizes_and_hashes(self, folder):
        manifest = read_manifest(folder / "manifest.json")
        assert manifest == {
            "definition": DEFINITION,
            "revision": "r1",
            "package": "p",
            "files": {
                "a.txt": {"bytes": 5, "sha256": hashlib.sha256(b"alpha").hexdigest()},
                "sub/b.txt": {"bytes": 6, "sha256": hashlib.sha256(b"beta!!").hexdigest()},
            },
        }

    def test_writing_again_gives_the_same_bytes(self, folder):
        first = (folder / "manifest.json").read_bytes()
        write_manifest(folder, DEFINITION, "r1", package="p")
        assert (folder / "manifest.json").read_bytes() == first

    def test_links_are_followed(self, folder, tmp_path):
        linked = tmp_path / "linked"
        linked.mkdir()
        (linked / "a.txt").symlink_to(folder / "a.txt")
        write_manifest(linked, DEFINITION)
        assert read_manifest(linked / "manifest.json")["files"]["a.txt"]["bytes"] == 5

    @pytest.mark.parametrize(
        "content",
        [
            {"revision": None, "files": {}},
            {"definition": {}, "revision": 3, "files": {}},
            {"definition": {}, "revision": None, "files": {"a": "hash"}},
            {"definition": {}, "revision": None, "files": {"a": {"sha256": "x", "bytes": "5"}}},
        ],
    )
    def test_wrong_shape_is_set_aside(self, tmp_path, content):
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match="is not a manifest"):
            read_manifest(path)
        assert [file.name for file in tmp_path.iterdir()] == ["manifest.json.corrupt"]


class TestFingerprint:
    def test_depends_on_files_alone(self, folder):
        before = fingerprint(read_manifest(folder / "manifest.json"))
        write_manifest(folder, {"kind": "huggingface"}, "r2")
        assert fingerprint(read_manifest(folder / "manifest.json")) == before

    @pytest.mark.parametrize("name", ["a.txt", "c.txt"])
    def test_changes_with_content_and_names(self, folder, name):
        before = fingerprint(read_manifest(folder / "manifest.json"))
        (folder / name).write_bytes(b"ALPHA")
        write_manifest(folder, DEFINITION)
        assert fingerprint(read_manifest(folder / "manifest.json")) != before


class TestCheck:
    def test_intact_folder_passes(self, folder):
        check_files(folder / "manifest.json")

    @pytest.mark.parametrize(
        ("data", "reason"),
        [(b"alph", "has 4 bytes, its manifest says 5"), (b"ALPHA", "another SHA-256")],
    )
    def test_broken_file_and_manifest_are_set_aside(self, folder, data, reason):
        (folder / "a.txt").write_bytes(data)
        with pytest.raises(InputError, match=reason) as caught:
            check_files(folder / "manifest.json")
        assert "run the same command again" in str(caught.value)
        assert "\n" not in str(caught.value)
        names = {path.name for path in folder.iterdir()}
        assert names == {"a.txt.corrupt", "manifest.json.corrupt", "sub"}

    def test_missing_file(self, folder):
        (folder / "sub" / "b.txt").unlink()
        with pytest.raises(InputError, match=r"b.txt: is missing"):
            check_files(folder / "manifest.json")
        assert not (folder / "manifest.json").exists()

    def test_only_the_named_files_are_checked(self, folder):
        (folder / "a.txt").write_bytes(b"ALPHA")
        check_files(folder / "manifest.json", ["sub/b.txt"])
        with pytest.raises(InputError):
            check_files(folder / "manifest.json", ["a.txt"])

    def test_a_small_file_is_hashed_by_every_reader(self, folder):
        checked_fingerprint(folder)
        rot(folder / "a.txt")
        with pytest.raises(InputError, match=r"a.txt: has another SHA-256"):
            checked_fingerprint(folder)

    def test_a_large_file_is_hashed_once_a_day(self, folder, monkeypatch):
        monkeypatch.setattr(manifests, "LARGE", 1)
        known = checked_fingerprint(folder)
        rot(folder / "a.txt")
        assert checked_fingerprint(folder) == known
        yesterday = (folder / VERIFIED).stat().st_mtime - A_DAY
        os.utime(folder / VERIFIED, (yesterday, yesterday))
        with pytest.raises(InputError, match=r"a.txt: has another SHA-256"):
            checked_fingerprint(folder)

    def test_unlisted_name(self, folder):
        with pytest.raises(InputError, match=r"lists no file 'c.txt', only a.txt, sub/b.txt"):
            check_files(folder / "manifest.json", ["c.txt"])
        assert (folder / "manifest.json").exists()

    def test_a_link_is_set_aside_and_its_target_left_alone(self, folder, tmp_path):
        linked, target = tmp_path / "linked", folder / "a.txt"
        linked.mkdir()
        (linked / "a.txt").symlink_to(target)
        write_manifest(linked, DEFINITION)
        target.write_bytes(b"ALPHA")
        with pytest.raises(InputError):
            check_files(linked / "manifest.json")
        assert target.read_bytes() == b"ALPHA"
        assert (linked / "a.txt.corrupt").is_symlink()


class TestOtherDefinition:
    def test_none_without_manifest_or_when_equal(self, folder, tmp_path):
        assert other_definition(tmp_path / "none" / "manifest.json", DEFINITION) is None
        assert other_definition(folder / "manifest.json", dict(DEFINITION)) is None

    @pytest.mark.parametrize("content", ["", "{", "[1]", '{"definition": {}}'])
    def test_a_broken_manifest_is_left_to_who_reads_it(self, folder, content):
        manifest = folder / "manifest.json"
        manifest.write_text(content)
        assert other_definition(manifest, {"kind": "other"}) is None
        assert manifest.read_text() == content

    def test_names_both_definitions_and_the_folder(self, folder):
        line = other_definition(folder / "manifest.json", {"kind": "local", "folder": "y"})
        assert '"folder": "x"' in line
        assert '"folder": "y"' in line
        assert f"remove {folder}" in line
        assert "\n" not in line

    def test_needs_neither_torch_nor_transformers(self):
        scripts = Path(__file__).parents[3] / "scripts"
        code = "import multiprune.files.manifests, sys; print(*sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True, check=True
        )
        heavy = {"torch", "transformers", "datasets", "huggingface_hub", "pandas"}
        assert not heavy & set(done.stdout.split())


class TestFillFolder:
    def fill(self, manifest, text, definition=DEFINITION, made_by=None):
        def write(folder):
            (folder / "text").write_text(text)
            return {"revision": text}

        return fill_folder(manifest, definition, write, made_by)

    def test_hands_back_the_manifest(self, tmp_path):
        manifest = tmp_path / "m" / "manifest.json"
        assert self.fill(manifest, "one") == read_manifest(manifest)
        assert read_manifest(manifest)["revision"] == "one"

    def test_replaces_a_folder_without_manifest(self, tmp_path):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one")
        manifest.unlink()
        (tmp_path / "m" / "stray").write_text("")
        self.fill(manifest, "two")
        assert read_manifest(manifest)["revision"] == "two"
        assert sorted(os.listdir(tmp_path / "m")) == ["manifest.json", "text"]
        assert os.listdir(tmp_path) == ["m"]

    def test_failure_keeps_what_stood_there(self, tmp_path):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one")
        with pytest.raises(TypeError):
            self.fill(manifest, b"not text")
        check_files(manifest)
        assert (tmp_path / "m" / "text").read_text() == "one"
        assert os.listdir(tmp_path) == ["m"]

    def test_leftovers_of_a_killed_run_go(self, tmp_path):
        for name in (".m.partial", ".m.previous"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "half").write_text("")
        self.fill(tmp_path / "m" / "manifest.json", "one")
        assert os.listdir(tmp_path) == ["m"]
        assert sorted(os.listdir(tmp_path / "m")) == ["manifest.json", "text"]

    def test_another_definition_is_refused(self, tmp_path):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one")
        with pytest.raises(InputError, match="another key"):
            self.fill(manifest, "two", {"kind": "other"}, {})
        assert (tmp_path / "m" / "text").read_text() == "one"

    def test_what_stands_complete_and_made_by_the_same_is_taken(self, tmp_path, capsys):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one", made_by={"code": "1"})
        before = manifest.stat().st_mtime_ns
        assert self.fill(manifest, "two", made_by={"code": "1"})["revision"] == "one"
        assert manifest.stat().st_mtime_ns == before
        assert capsys.readouterr().out == f"{tmp_path / 'm'}: is complete already\n"

    @pytest.mark.parametrize("made_by", [{"code": "2"}, {}, None])
    def test_what_was_made_by_something_else_is_made_anew(self, tmp_path, made_by):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one", made_by={"code": "1"})
        assert self.fill(manifest, "two", made_by=made_by)["revision"] == "two"

    @pytest.mark.parametrize("name", ["text", "manifest.json", ".verified.json"])
    def test_without_one_of_its_files_it_is_made_anew(self, tmp_path, name):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one", made_by={"code": "1"})
        (tmp_path / "m" / name).unlink()
        assert self.fill(manifest, "two", made_by={"code": "1"})["revision"] == "two"

    def test_a_damaged_file_is_made_anew(self, tmp_path):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one", made_by={})
        rot(tmp_path / "m" / "text")
        assert self.fill(manifest, "two", made_by={})["revision"] == "two"

    def test_what_it_was_made_by_outlives_the_daily_look(self, tmp_path):
        manifest = tmp_path / "m" / "manifest.json"
        self.fill(manifest, "one", made_by={"code": "1"})
        os.utime(tmp_path / "m" / VERIFIED, (0, 0))
        checked_fingerprint(tmp_path / "m")
        assert (tmp_path / "m" / VERIFIED).stat().st_mtime > 0
        assert self.fill(manifest, "two", made_by={"code": "1"})["revision"] == "one"

    def test_a_resumable_folder_is_handed_out_again(self, tmp_path):
        manifest = tmp_path / "m" / "manifest.json"

        def break_off(folder):
            (folder / "first").write_text("1")
            (folder / IN_PROGRESS).mkdir()
            (folder / IN_PROGRESS / "second.part").write_text("2")
            raise InputError("broke off")

        def go_on(folder):
            assert (folder / "first").read_text() == "1"
            assert (folder / IN_PROGRESS / "second.part").read_text() == "2"
            return {}

        with contextlib.suppress(InputError):
            fill_folder(manifest, DEFINITION, break_off, resumable=True)
        assert os.listdir(tmp_path) == [".m.partial"]
        fill_folder(manifest, DEFINITION, go_on, resumable=True)
        assert os.listdir(tmp_path) == ["m"]
        assert list(read_manifest(manifest)["files"]) == ["first"]
        assert not (tmp_path / "m" / IN_PROGRESS).exists()

    def test_an_empty_resumable_folder_goes(self, tmp_path):
        def refuse(folder):
            raise InputError("gated")

        with pytest.raises(InputError, match="gated"):
            fill_folder(tmp_path / "m" / "manifest.json", DEFINITION, refuse, resumable=True)
        assert os.listdir(tmp_path) == []

    def test_name_of_the_manifest_is_fixed(self, tmp_path):
        with pytest.raises(InputError, match=r"must be called manifest\.json"):
            self.fill(tmp_path / "m" / "other.json", "one")
