"""What holds for a corpus of any kind."""

import json

import pytest

from multiprune.fetch import parallel_units
from multiprune.fetch.corpora import python_library, udhr
from multiprune.fetch.splits import SPLITS, read_corpus
from multiprune.registry import names
from unit.fetch import made_packages
from unit.fetch.data import hub_corpus

DISGUISED = "\ufeffMen\u00adschen sind frei\u200b und e\u0301gaux {}\0"


def disguised_declaration(folder, monkeypatch):
    articles = "".join(
        f'<article data-number="{n}"><p>{DISGUISED.format(n)[:-1]}</p></article>'
        for n in range(1, 31)
    )
    html = f"<html><body>{articles}</body></html>".encode()
    monkeypatch.setattr(udhr, "read_declaration", lambda archive, code: html)
    return {}, folder


def disguised_file(folder, monkeypatch):
    text = "\n\n".join(DISGUISED.format(n).replace("\0", "") for n in range(1, 31))
    (folder / "en.txt").write_text(text)
    return {"folder": str(folder)}, folder / "en.txt"


def disguised_library(folder, monkeypatch):
    rows = [(f"module.{n:03d}", DISGUISED.format(n)) for n in range(1, 31)]
    monkeypatch.setattr(python_library, "read_library", lambda pattern: rows)
    return {}, None


def disguised_dataset(folder, monkeypatch):
    rows = "".join(json.dumps({"sentence": DISGUISED.format(n)}) + "\n" for n in range(1, 31))
    (folder / "train.jsonl").write_text(rows)
    splits = dict.fromkeys(SPLITS, "train")
    return hub_corpus(str(folder)) | {"splits": splits, "rows": 30}, None


def disguised_package(folder, monkeypatch):
    monkeypatch.setattr(parallel_units, "LEAST_CHARACTERS", 1)
    texts = {"en": {f"{n:02d}": {"key": DISGUISED.format(n)} for n in range(1, 31)}}
    archive = made_packages.scratch(folder, texts)
    return made_packages.entry("scratch"), archive


SOURCES = {
    "package": disguised_package,
    "udhr": disguised_declaration,
    "text": disguised_file,
    "python_library": disguised_library,
    "huggingface": disguised_dataset,
}


@pytest.mark.parametrize("kind", names("fetch.corpora"))
def test_every_kind_brings_its_text_into_normal_form(tmp_path, monkeypatch, kind):
    corpus, source = SOURCES[kind](tmp_path, monkeypatch)
    rows, _ = read_corpus(corpus | {"kind": kind}, "en", source)
    texts = {row["text"] for split in rows.values() for row in split}
    assert "Menschen sind frei und \u00e9gaux 1" in texts
    assert sum(map(len, rows.values())) == 30
