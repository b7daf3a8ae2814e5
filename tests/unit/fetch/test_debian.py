"""Packages of Debian that tests write, and those that are damaged or made to do harm."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.fetch import debian, tarballs
from multiprune.fetch.debian import deb_exists, download_deb, read_deb
from unit.fetch.made_packages import ar_member, write_deb

FILES = {"usr/share/a.html": b"first", "usr/share/b.html": b"second"}


def refused(archive: Path, reason: str):
    with pytest.raises(InputError, match=reason) as caught:
        read_deb(archive, lambda _name: True)
    assert "\n" not in str(caught.value)


@pytest.fixture
def deb(tmp_path):
    return write_deb(tmp_path / "x.deb", FILES)


@pytest.mark.parametrize("form", ["xz", "gz", "bz2"])
def test_the_files_of_a_package(tmp_path, form):
    archive = write_deb(tmp_path / "x.deb", FILES, form)
    wanted = "usr/share/b.html"
    assert read_deb(archive, lambda name: name == wanted) == {
        "usr/share/a.html": None,
        "usr/share/b.html": b"second",
    }


def test_a_package_that_is_missing_or_none(tmp_path):
    refused(tmp_path / "x.deb", r"no such file; fetch it with download_archive\.py")
    (tmp_path / "x.deb").write_bytes(b"<html>not found</html>")
    refused(tmp_path / "x.deb", "is not a Debian package .*it does not begin as one")
    (tmp_path / "x.deb").write_bytes(b"!<arch>\n" + ar_member("control.tar.xz", b"x"))
    refused(tmp_path / "x.deb", r"it has no data\.tar, but control\.tar\.xz")


def test_a_package_that_is_cut_off_or_changed(deb):
    content = deb.read_bytes()
    for length in (20, 100, len(content) - 100):
        deb.write_bytes(content[:length])
        refused(deb, "is not a Debian package")
    middle = len(content) - 60
    deb.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    refused(deb, "is not a Debian package")


def test_a_member_of_an_odd_size_or_none(tmp_path):
    for size in (b"-1        ", b"many      ", b"9999999999"):
        header = ar_member("data.tar.xz", b"")
        (tmp_path / "x.deb").write_bytes(b"!<arch>\n" + header[:48] + size + header[58:])
        refused(tmp_path / "x.deb", "is not a Debian package")


def test_one_that_unpacks_to_too_much_is_refused(deb, monkeypatch):
    monkeypatch.setattr(tarballs, "MOST_BYTES", 900)
    refused(deb, "it unpacks to more than 900 bytes")


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """apt-get is played by a shell script, alone on PATH; returns a function that writes it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))

    def write(lines: str):
        (tools / "apt-get").write_text(f"#!/bin/sh\n{lines}\n")
        (tools / "apt-get").chmod(0o755)

    return write


@pytest.fixture
def web(monkeypatch):
    """Returns a function that serves a folder on the loopback, and its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def serve(folder: Path) -> str:
        handler = partial(SimpleHTTPRequestHandler, directory=folder)
        servers.append(server := ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def download(tmp_path, version=None, address=None) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir(exist_ok=True)
    return download_deb("pkg", version, address, folder)


@pytest.mark.parametrize(("version", "asked"), [(None, "pkg"), ("1:2", "pkg=1:2")])
def test_apt_downloads_and_nothing_else(tmp_path, apt, version, asked):
    apt('printf "%s" "$*" > pkg_1.deb')
    words = download(tmp_path, version).read_text().split()
    assert words[-2:] == ["download", asked]
    assert "install" not in words


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("E: Unable to locate package pkg", "apt knows no such package; check the spelling"),
        ("E: Version '1' for 'pkg' was not found", "apt has another version; leave"),
        ("E: Failed to fetch x  Could not resolve 'host'", "the archive cannot be reached"),
        ("E: Something odd", "apt-get failed: E: Something odd"),
    ],
)
def test_what_apt_says_is_one_line(tmp_path, apt, message, said):
    apt(f'echo "W: a warning" >&2; echo "{message}" >&2; exit 100')
    with pytest.raises(InputError, match=f"^Debian package pkg=1: {said}") as caught:
        download(tmp_path, "1")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=said):
        deb_exists("pkg", "1", None, tmp_path)
    deb_exists("pkg", "1", "http://127.0.0.1:1/x.deb", tmp_path)


def test_without_apt_an_address_is_needed(tmp_path, apt):
    with pytest.raises(InputError, match="apt-get is not on this machine; give the package's `add"):
        download(tmp_path)


def test_an_address_gives_the_package_where_apt_does_not(tmp_path, apt, deb, web):
    address = web(deb.parent)
    found = download(tmp_path, address=f"{address}/x.deb")
    assert found.read_bytes() == deb.read_bytes()
    with pytest.raises(InputError, match=r"/none\.deb answers 404"):
        download(tmp_path, address=f"{address}/none.deb")


def test_an_address_that_does_not_end_is_given_up(tmp_path, apt, deb, web, monkeypatch):
    monkeypatch.setattr(debian, "MOST_BYTES", 100)
    with pytest.raises(InputError, match=r"x\.deb gives more than 1e-07 GB; check the address"):
        download(tmp_path, address=f"{web(deb.parent)}/x.deb")


def test_an_address_that_does_not_answer_is_one_line(tmp_path, apt, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1/x\.deb cannot be reached \(.*; fetch on"):
        download(tmp_path, address="http://127.0.0.1:1/x.deb")
