"""Paragraphs and lines of a user's own files."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiprune.errors import InputError
from multiprune.fetch.own_text import split_paragraphs
from multiprune.fetch.splits import SPLITS, read_corpus

LATIN = st.text("abc def", min_size=1).filter(str.strip)


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

    def test_objects_by_hand(self, tmp_path):
        """A paragraph each, whatever `paragraphs` says; an empty one moves no other."""
        path = tmp_path / "en.jsonl"
        texts = [f"text {number}" for number in range(1, 13)]
        texts[1], texts[2], texts[11] = " \u200b", "on two\n lines", "text 1"
        lines = [json.dumps({"id": "any", "text": text}) for text in texts]
        path.write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
        rows, notes = read_text(path, paragraphs="lines")
        found = {row["id"]: row["text"] for split in SPLITS for row in rows[split]}
        expected = {f"p{number:06d}": f"text {number}" for number in range(1, 12)}
        del expected["p000002"]
        assert found == expected | {"p000003": "on two lines"}
        assert [row["id"] for row in rows["validation"]] == ["p000007"]
        assert notes == {"repeats_left_out": 1, "paragraphs": 12}

    def test_two_files_of_one_language(self, tmp_path):
        for name in ("en.txt", "en.jsonl"):
            (tmp_path / name).write_text("")
        with pytest.raises(InputError, match=r"en\.jsonl: en\.txt stands beside it; remove one"):
            read_text(tmp_path / "en.jsonl")

    @pytest.mark.parametrize(
        ("lines", "paragraphs", "message"),
        [
            (9, "lines", "has 9 paragraphs, at least 10 are needed; add text"),
            (
                9,
                "blank_lines",
                "has 1 paragraphs, at least 10 are needed; add text and part paragraphs by blank "
                "lines",
            ),
            (
                216,
                "blank_lines",
                "has 1 paragraphs, at least 10 are needed; its 216 lines are a paragraph each with "
                "`paragraphs: lines`; else add text and part paragraphs by blank lines",
            ),
        ],
    )
    def test_too_few(self, tmp_path, lines, paragraphs, message):
        path = tmp_path / "en.txt"
        path.write_text("\n".join(f"line {number}" for number in range(lines)))
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
            InputError, match=r"no such file; own text is a file in UTF-8, \{text\}\.txt or"
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
