import platform
import sys

import pytest

from multiprune.errors import InputError
from multiprune.fetch.corpora import python_library
from multiprune.fetch.corpora.python_library import read_library
from multiprune.fetch.splits import read_corpus


def write(folder, **modules):
    for name, text in modules.items():
        (folder / f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_modules_sorted_by_name_and_nothing_else(tmp_path):
    write(tmp_path, queue="b = 1\n", abc="a = 1\n", _sysconfigdata_here="no", mine="no")
    (tmp_path / "json").mkdir()
    write(tmp_path / "json", decoder="no")
    (tmp_path / "site-packages").mkdir()
    write(tmp_path / "site-packages", abc="no")
    assert read_library("*", tmp_path) == [("abc.001", "a = 1"), ("queue.001", "b = 1")]
    assert read_library("q*", tmp_path) == [("queue.001", "b = 1")]


def test_rows_are_runs_of_whole_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(python_library, "ROW_CHARACTERS", 10)
    write(tmp_path, abc="12345\r\n  4\n\nab\n\n \n", queue="\n\n")
    # With their line ends, "12345" and "  4" have 10 characters; what is blank is no row.
    assert read_library("*", tmp_path) == [("abc.001", "12345\n  4"), ("abc.002", "\nab\n\n ")]


def test_the_cap_ends_the_corpus_before_it_is_passed(tmp_path, monkeypatch):
    monkeypatch.setattr(python_library, "MOST_CHARACTERS", 10)
    write(tmp_path, abc="12345\n", bisect="1234\n", queue="1")
    assert [name for name, _ in read_library("*", tmp_path)] == [
        "abc.001",
        "bisect.001",
        "queue.001",
    ]
    monkeypatch.setattr(python_library, "MOST_CHARACTERS", 9)
    assert [name for name, _ in read_library("*", tmp_path)] == ["abc.001", "bisect.001"]


def test_a_module_is_read_in_the_encoding_it_declares(tmp_path):
    write(
        tmp_path, abc="# coding: latin-1\n# é\n".encode("latin-1"), queue=b"\xef\xbb\xbf# \xc3\xa9"
    )
    assert [text for _, text in read_library("*", tmp_path)] == ["# coding: latin-1\n# é", "# é"]


def test_a_pattern_without_a_module_is_one_line():
    with pytest.raises(
        InputError, match=r"no module of Python's library is called 'numpy'; `text`"
    ):
        read_library("numpy")


def test_the_running_librarys_text_is_enough_dealt_to_splits_and_its_version_noted():
    rows, notes = read_corpus({"kind": "python_library"}, "*", None)
    again, _ = read_corpus({"kind": "python_library"}, "*", None)
    assert rows == again
    sizes = {split: sum(len(row["text"]) for row in found) for split, found in rows.items()}
    assert sum(sizes.values()) > 0.9 * python_library.MOST_CHARACTERS
    assert sum(sizes.values()) <= python_library.MOST_CHARACTERS
    assert sizes["calibration"] / sum(sizes.values()) == pytest.approx(0.6, abs=0.02)
    modules = {row["id"].split(".")[0] for found in rows.values() for row in found}
    assert modules <= sys.stdlib_module_names
    assert {"abc", "argparse", "dataclasses"} <= modules
    texts = [row["text"] for found in rows.values() for row in found]
    assert len(set(texts)) == len(texts)
    assert platform.python_version() in notes["python"]
