"""Tarballs that are damaged, or made to do harm."""

import gzip
import io
import lzma
import random
import tarfile

import pytest

from multiprune.errors import InputError
from multiprune.fetch import tarballs
from multiprune.fetch.tarballs import read_tarball

CONTENT = b"<p>hello world</p>" * 2000 + random.Random(0).randbytes(3000)


def archive_of(path, files, mode="w:gz", pax=None):
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as package:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(content), pax or {}
            package.addfile(member, io.BytesIO(content))
    return path


def read(path):
    return read_tarball(path, lambda name: name == "a", "a tarball", "npm has it")


def refused(path, reason=""):
    with pytest.raises(InputError, match=rf"a\.tgz: is not a tarball \(.*{reason}") as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("; remove it and download it again")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_contents_of_the_wanted(tmp_path, mode):
    path = archive_of(tmp_path / "a.tgz", [("b", b"1"), ("a", CONTENT)], mode)
    assert read(path) == {"b": None, "a": CONTENT}


def test_a_missing_one(tmp_path):
    with pytest.raises(InputError, match=r"a\.tgz: no such file; npm has it$"):
        read(tmp_path / "a.tgz")


@pytest.mark.parametrize(
    "pax",
    [
        *({"GNU.sparse.map": "a,b"}, {"GNU.sparse.map": "1,2", "GNU.sparse.size": "x"}),
        *({"GNU.sparse.map": "0,1", "GNU.sparse.size": "99"}, {"GNU.sparse.size": "x"}),
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "-10"},
        *({"size": "-1024"}, {"size": "99999999"}, {"size": "9" * 40}),
    ],
    ids=repr,
)
def test_odd_headers(tmp_path, pax):
    refused(archive_of(tmp_path / "a.tgz", [("a", b"x")], "w", pax))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_every_kind_of_damage_is_one_line_or_none(tmp_path, mode):
    """Some bytes do not matter, such as those of a file that is not read."""
    path = archive_of(tmp_path / "a.tgz", [("a", CONTENT), ("b", CONTENT)], mode)
    whole, chance, refusals = path.read_bytes(), random.Random(1), 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= chance.randrange(1, 256)
        path.write_bytes(damaged[: chance.choice((None, len(whole) // 2))])
        try:
            read(path)
        except InputError:
            refusals += 1
    assert refusals > 10


def test_a_changed_letter_is_noticed_by_the_checksum(tmp_path):
    path = archive_of(tmp_path / "a.tgz", [("a", CONTENT)], "w")
    stored = gzip.compress(path.read_bytes(), compresslevel=0)
    path.write_bytes(stored.replace(b"hello", b"HELLO"))
    refused(path, "CRC check failed")


def test_damaged_lzma(tmp_path):
    path = archive_of(tmp_path / "a.tgz", [("a", CONTENT)], "w:xz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    with pytest.raises(lzma.LZMAError):
        lzma.decompress(content)
    path.write_bytes(content)
    refused(path)


def test_two_of_one_name(tmp_path):
    refused(archive_of(tmp_path / "a.tgz", [("a", b"1"), ("a", b"2")]), "holds 'a' twice")


def test_more_than_the_ceiling(tmp_path, monkeypatch):
    monkeypatch.setattr(tarballs, "MOST_BYTES", 3 * 1512)
    files = [(name, bytes(1000)) for name in "abc"]
    assert len(read(archive_of(tmp_path / "a.tgz", files))) == 3
    refused(archive_of(tmp_path / "a.tgz", [*files, ("d", b"")]), "unpacks to more than 4,536")
