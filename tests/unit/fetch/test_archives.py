"""The archives of packages: what is read of them, and the script that downloads them."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
from patience import patience

from multiprune.errors import InputError
from multiprune.fetch.archives import read_archive
from unit.fetch.data import SCRIPTS
from unit.fetch.made_packages import write_deb, write_tarball, write_wheel

FILES = {"package/a.json": b"first", "package/b.json": b"second"}
WRITERS = {"x.tgz": write_tarball, "x.whl": write_wheel, "x.deb": write_deb}

NPM = {"registry": "npm", "package": "x", "version": "1.0.0"}
DEBIAN = {"registry": "debian", "package": "x"}
PACK = 'printf "%s" "$2" > "$4/x-1.0.0.tgz"'


@pytest.mark.parametrize("name", WRITERS)
def test_wanted_files_have_their_content_and_the_others_none(tmp_path, name):
    archive = WRITERS[name](tmp_path / name, FILES)
    assert read_archive(archive, lambda found: found.endswith("b.json")) == {
        "package/a.json": None,
        "package/b.json": b"second",
    }


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_and_missing_archives_are_one_line(tmp_path, name):
    archive = WRITERS[name](tmp_path / name, FILES)
    archive.write_bytes(archive.read_bytes()[:-80])
    with pytest.raises(InputError, match=r"is not .* download it again") as caught:
        read_archive(archive, lambda _name: True)
    assert "\n" not in str(caught.value)
    archive.unlink()
    with pytest.raises(InputError, match=r"no such file; fetch it with download_archive\.py"):
        read_archive(archive, lambda _name: True)


class TestDownloadArchive:
    """npm, pip and apt are played by programs on PATH, or fail for lack of a network."""

    def download(self, tmp_path, definition, ending, tool=None, script="exit 1", **environment):
        tools = tmp_path / "tools"
        tools.mkdir(exist_ok=True)
        if tool:
            (tools / tool).write_text(f"#!/bin/sh\n{script}\n")
            (tools / tool).chmod(0o755)
        if not (tools / "python").exists():
            (tools / "python").symlink_to(sys.executable)
        archive = tmp_path / "packages" / f"x.{ending}"
        options = ["--definition", json.dumps(definition), "--archive", archive]
        options += ["--link", tmp_path / f"link.{ending}"]
        done = subprocess.run(
            [tools / "python", SCRIPTS / "download_archive.py", *options],
            env={"PATH": str(tools), "PYTHONPATH": os.pathsep.join(sys.path), **environment},
            capture_output=True,
            text=True,
            timeout=patience(180),
        )
        lines = done.stderr.strip().splitlines() or [""]
        return done.returncode, lines[-1], archive

    def test_npm_packs_and_what_is_there_stays(self, tmp_path):
        code, line, archive = self.download(tmp_path, NPM, "tgz", "npm", PACK)
        assert code == 0, line
        assert archive.read_text() == "x@1.0.0"
        assert os.listdir(archive.parent) == ["x.tgz"]
        assert os.readlink(tmp_path / "link.tgz") == "packages/x.tgz"
        code, line, _ = self.download(tmp_path, NPM, "tgz", "npm", "exit 1")
        assert code == 0, line

    def test_apt_downloads(self, tmp_path):
        script = "printf deb > x_1.deb"
        code, line, archive = self.download(tmp_path, DEBIAN, "deb", "apt-get", script)
        assert code == 0, line
        assert archive.read_text() == "deb"

    def test_another_sha_256_is_refused_before_and_after(self, tmp_path):
        right = hashlib.sha256(b"x@1.0.0").hexdigest()
        wrong = NPM | {"sha256": "0" * 64}
        code, line, archive = self.download(tmp_path, wrong, "tgz", "npm", PACK)
        assert code == 1
        assert line == (
            f"error: npm package x 1.0.0: has SHA-256 {right}, the config says {'0' * 64}; check "
            "both, or leave sha256 out"
        )
        assert os.listdir(archive.parent) == []
        given = NPM | {"sha256": right}
        code, line, _ = self.download(tmp_path, given, "tgz", "npm", PACK)
        assert code == 0, line
        code, line, _ = self.download(tmp_path, wrong, "tgz", "npm", PACK)
        assert code == 1
        assert archive.read_text() == "x@1.0.0"

    def test_nothing_is_there_after_a_failure(self, tmp_path):
        failing = "echo npm error code EAI_AGAIN >&2; exit 1"
        code, line, archive = self.download(tmp_path, NPM, "tgz", "npm", failing)
        assert (code, os.listdir(archive.parent)) == (1, [])
        assert "x@1.0.0: the npm registry cannot be reached" in line
        code, line, archive = self.download(tmp_path, DEBIAN, "deb")
        assert (code, os.listdir(archive.parent)) == (1, [])
        assert "x: apt-get is not on this machine" in line

    def test_pip_without_a_network(self, tmp_path):
        definition = {"registry": "pypi", "package": "x", "version": "1.0.0"}
        nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_CONFIG_FILE": os.devnull}
        code, line, archive = self.download(tmp_path, definition, "whl", **nowhere)
        assert (code, os.listdir(archive.parent)) == (1, [])
        assert "package x==1.0.0: the package index cannot be reached" in line
