import errno
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import patience
from safetensors import safe_open
from safetensors.numpy import load_file

from multiprune.audit.findings import file_problem
from multiprune.errors import InputError
from multiprune.files.hashes import sha256_arrays, sha256_file, sha256_json
from multiprune.files.json import read_json, read_json_lines, write_json, write_json_lines
from multiprune.files.tensors import opened_tensors, read_tensors, write_tensors
from multiprune.files.writing import replacing

SCRIPTS = Path(__file__).parents[3] / "scripts"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_at_the_end(tmp_path):
    target = tmp_path / "new" / "a.txt"
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert names(target.parent) == ["a.txt"]
    assert target.read_text() == "new"
    with replacing(target) as temporary:
        temporary.write_text("newer")
    assert names(target.parent) == ["a.txt"]
    assert target.read_text() == "newer"


def test_what_a_killed_process_left_of_the_file_goes(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    node = platform.node()
    mine, dead = f".a.txt.{node}.{os.getpid()}.tmp", f".a.txt.{node}.{ended.pid}.tmp"
    others = [f".a.txt.{node}.1.tmp", f".a.txt.elsewhere.{ended.pid}.tmp"]
    others.append(f".b.txt.{node}.{ended.pid}.tmp")
    impossible = f".a.txt.{node}.{10**30}.tmp"
    for name in (dead, impossible, *others):
        (tmp_path / name).touch()
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert names(tmp_path) == sorted([mine, *others])
    assert names(tmp_path) == sorted(["a.txt", *others])


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise InputError("disk full")

    with pytest.raises(InputError, match="disk full"), replacing(target) as temporary:
        fail(temporary)
    assert names(tmp_path) == ["a.txt"]
    assert target.read_text() == "old"


def killed_while_writing(target: Path, number: int) -> int:
    """Exit code of a process that gets a signal in the middle of writing `target`."""
    code = (
        "import os, signal\n"
        "from multiprune.files.writing import replacing\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored behind `&`
        f"with replacing({str(target)!r}) as temporary:\n"
        "    temporary.write_text('half')\n"
        f"    os.kill(os.getpid(), {number})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        timeout=patience(180),
        check=False,
    ).returncode


def test_a_killed_block_leaves_no_file_under_the_targets_name(tmp_path):
    target = tmp_path / "a.txt"
    assert killed_while_writing(target, signal.SIGKILL) == -signal.SIGKILL
    assert not target.exists()
    target.write_text("old")
    killed_while_writing(target, signal.SIGKILL)
    assert target.read_text() == "old"
    assert all(name.endswith(".tmp") for name in names(tmp_path) if name != "a.txt")


def test_an_interrupted_block_leaves_nothing_at_all(tmp_path):
    assert killed_while_writing(tmp_path / "a.txt", signal.SIGINT) != 0
    assert names(tmp_path) == []


# JSON.


def test_json_is_sorted_and_readable(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    checksum = hashlib.sha256('{"a": "é", "b": 1}'.encode()).hexdigest()
    text = f'{{\n "a": "é",\n "b": 1,\n "multiprune_sha256": "{checksum}"\n}}\n'
    assert (tmp_path / "a.json").read_bytes() == text.encode()
    assert read_json(tmp_path / "a.json") == {"a": "é", "b": 1}


def test_json_of_another_writer_has_no_checksum(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_only_python_takes_for_json_is_refused(tmp_path, word):
    (tmp_path / "a.json").write_text(f'{{"a": [{word}]}}')
    with pytest.raises(InputError, match=rf"a.json: is not JSON \({word} is no number of JSON"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.jsonl").write_text(f'{{"a": [{word}]}}\n')
    with pytest.raises(InputError, match=rf"a.jsonl: is not JSON lines \({word} is no number"):
        read_json_lines(tmp_path / "a.jsonl")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400 + ".0"])
def test_a_number_beyond_the_largest_is_refused(tmp_path, number):
    (tmp_path / "a.json").write_text(f'{{"a": [{number}]}}')
    with pytest.raises(InputError, match=r"is not JSON \(.* is beyond the largest number"):
        read_json(tmp_path / "a.json")


def test_numbers_are_read_to_the_last_bit(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1e308, 5e-324, 1e-400, 0.1, -0.0]}')
    assert repr(read_json(tmp_path / "a.json")["a"]) == "[1e+308, 5e-324, 0.0, 0.1, -0.0]"


@pytest.mark.parametrize(
    ("write", "content"),
    [(write_json, {"deep": {"\ud800key": 1}}), (write_json_lines, [{"a": 1}, {"a": "x\udfff"}])],
)
def test_half_of_a_character_is_one_line_that_names_the_file(tmp_path, write, content):
    """As `"\\ud800"` in somebody's JSON becomes."""
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(InputError, match=r"a\.json: cannot hold .*\\ud.* lone surrogate") as caught:
        write(tmp_path / "a.json", content)
    assert str(caught.value).isprintable()
    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_keys_that_are_no_text_are_read_as_text(tmp_path):
    write_json(tmp_path / "a.json", {"counts": {10: (1, 2), 9: 0.1}})
    assert read_json(tmp_path / "a.json") == {"counts": {"10": [1, 2], "9": 0.1}}


def test_every_changed_byte_of_json_is_noticed(tmp_path):
    write_json(tmp_path / "a.json", {"value": 12.5, "name": "wanda", "list": [1, 2]})
    content = (tmp_path / "a.json").read_bytes()
    for place in places(content):
        if chr(content[place]).isspace():
            continue  # between the values: changes nothing, or no longer JSON
        (tmp_path / "a.json").write_bytes(flipped(content, place))
        assert file_problem(tmp_path / "a.json"), place
        with pytest.raises(InputError, match=r"set aside as a\.json\.corrupt"):
            read_json(tmp_path / "a.json")


def places(content: bytes) -> list[int]:
    """All bytes but those of the checksum's key: under another name, nothing else has changed."""
    start = content.index(b"multiprune_sha256")
    key = range(start, start + len("multiprune_sha256"))
    return [place for place in range(len(content)) if place not in key]


def flipped(content: bytes, place: int) -> bytes:
    """The content with the lowest bit of one byte turned."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(tmp_path, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"deep": [{"x": number}]})
    assert names(tmp_path) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3)))
def test_json_lines_survive_any_text(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    write_json_lines(path, rows)
    assert read_json_lines(path) == rows
    assert path.read_bytes().count(b"\n") == len(rows)


@pytest.mark.parametrize(
    ("read", "content", "reason"),
    [
        (read_json, b'{"a": 1', r"is not JSON \("),
        (read_json, b"", r"is not JSON \("),
        (read_json, b"\xff\xfe", r"is not JSON \("),
        (read_json, b"[1]", "is not a JSON object"),
        (read_json_lines, b'{"a": 1}\n{"a"', r"is not JSON lines \("),
        (read_json_lines, b"\xff\n", r"is not JSON lines \("),
        (read_tensors, b"", r"is not a safetensors file \("),
        (read_tensors, b"\x10" + b"\x00" * 40, r"is not a safetensors file \("),
    ],
)
def test_a_broken_file_is_set_aside(tmp_path, read, content, reason):
    path = tmp_path / "a.data"
    path.write_bytes(content)
    expected = rf"a\.data: {reason}.*set aside as a\.data\.corrupt, run the same command again$"
    with pytest.raises(InputError, match=expected):
        read(path)
    assert names(tmp_path) == ["a.data.corrupt"]
    assert (tmp_path / "a.data.corrupt").read_bytes() == content


@pytest.mark.parametrize("read", [read_json, read_json_lines, read_tensors])
def test_a_missing_file_is_one_line(tmp_path, read):
    with pytest.raises(InputError, match=r"a\.data: no such file$"):
        read(tmp_path / "a.data")


def test_a_broken_file_that_cannot_be_renamed_is_named_with_both_reasons(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text("{")

    def refuse(*_paths):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match=r"is not JSON .*cannot be renamed \(Permission denied\)"):
        read_json(tmp_path / "a.json")


# Safetensors.

TENSORS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([[1, 255]], dtype=np.uint8),
    "c": np.zeros((0, 4), dtype=np.int64),
    "d": np.array([-1, 7], dtype=np.int32),
    "e": np.array([0.1]),
}


def test_the_library_reads_what_is_written(tmp_path):
    write_tensors(tmp_path / "a", TENSORS, {"z": "1", "y": "é"})
    found = load_file(tmp_path / "a")
    assert found.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    with safe_open(tmp_path / "a", framework="np") as file:
        assert file.metadata() == {"z": "1", "y": "é", "multiprune_sha256": ANY}


@pytest.mark.parametrize("length", range(8))
def test_tensors_begin_at_a_multiple_of_eight_bytes(tmp_path, length):
    write_tensors(tmp_path / "a", TENSORS, {"z": "x" * length})
    header = int.from_bytes((tmp_path / "a").read_bytes()[:8], "little")
    assert header % 8 == 0
    assert read_tensors(tmp_path / "a")[1] == {"z": "x" * length}


def test_reading_back(tmp_path):
    write_tensors(tmp_path / "a", TENSORS, {"z": "1"})
    tensors, metadata = read_tensors(tmp_path / "a")
    assert metadata == {"z": "1"}
    assert {name: array.tolist() for name, array in tensors.items()} == {
        name: array.tolist() for name, array in TENSORS.items()
    }


def test_bytes_do_not_depend_on_order_or_layout(tmp_path):
    write_tensors(tmp_path / "a", TENSORS, {"z": "1", "y": "2"})
    turned = {name: np.asfortranarray(array) for name, array in reversed(TENSORS.items())}
    write_tensors(tmp_path / "b", turned, {"y": "2", "z": "1"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_changed_byte_of_tensors_is_noticed(tmp_path):
    write_tensors(tmp_path / "a.safetensors", TENSORS, {"sparsity": "0.5"})
    content = (tmp_path / "a.safetensors").read_bytes()
    assert file_problem(tmp_path / "a.safetensors") is None
    for place in places(content):
        (tmp_path / "a.safetensors").write_bytes(flipped(content, place))
        assert file_problem(tmp_path / "a.safetensors"), place
        with pytest.raises(InputError, match=r"set aside as a\.safetensors\.corrupt"):
            read_tensors(tmp_path / "a.safetensors")


def test_a_truncated_file_is_set_aside(tmp_path):
    write_tensors(tmp_path / "a", TENSORS, {})
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content[:-1])
    with (
        pytest.raises(InputError, match="is not a safetensors file"),
        opened_tensors(tmp_path / "a"),
    ):
        pass
    assert names(tmp_path) == ["a.corrupt"]


# Hashes.


def test_hash_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_file(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_hash_of_arrays_sees_type_shape_values_and_order():
    base = np.arange(6, dtype=np.int32)
    variants = [
        [base],
        [base.astype(np.int64)],
        [base.reshape(2, 3)],
        [base + 1],
        [base[:3], base[3:]],
        [base[3:], base[:3]],
        [],
    ]
    assert len({sha256_arrays(arrays) for arrays in variants}) == len(variants)
    assert sha256_arrays([np.asfortranarray(base.reshape(2, 3))]) == sha256_arrays(variants[2])


def test_hash_of_json_sees_content_not_order():
    assert sha256_json({"a": 1, "b": 2}) == sha256_json({"b": 2, "a": 1})
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})
    expected = hashlib.sha256(json.dumps({"a": [1]}).encode()).hexdigest()
    assert sha256_json({"a": [1]}) == expected


def test_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError, match="No space left") as caught, replacing(tmp_path / "a.json"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a write says it
    assert caught.value.filename == str(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []
