"""What results were made with, as it stands beside them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from multiprune.errors import InputError
from multiprune.files.tensors import write_tensors
from multiprune.jobs.made import NAME, content_of, must_be_read, note, read

RECORD = {
    "rule": "prune_model",
    "code": "python ...",
    "params": ["'wanda'"],
    "input": ["a.txt", "b.safetensors"],
    "input_checksums": {"a.txt": "sha256:0"},
    "software_stack_hash": "e",
    "record_format_version": 6,
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("one.csv", "two.csv"):
        (folder / name).write_text(name)
    return folder.relative_to(tmp_path)


def recorded(results: Path, *names: str) -> dict[str, dict]:
    """A record for each file, as of the job that has just ended."""
    return {
        str(results / name): RECORD | {"endtime": (results / name).lstat().st_mtime}
        for name in names
    }


def test_what_is_noted_is_read_back(results):
    """Without what changes from run to run; and files of one job share its record."""
    note(results, recorded(results, "one.csv", "two.csv"))
    made = read(results)
    assert {path.name for path in made} == {"one.csv", "two.csv"}
    for path, entry in made.items():
        assert entry.record == RECORD
        assert entry.content == content_of(path)
    assert len(json.loads((results / NAME).read_text())["jobs"]) == 1


def test_other_files_keep_their_records_while_they_stand(results):
    note(results, recorded(results, "one.csv", "two.csv"))
    (results / "one.csv").unlink()
    (results / "three.csv").write_text("")
    never_made = {str(results / "never_made.csv"): RECORD | {"endtime": 0.0}}
    note(results, recorded(results, "three.csv") | never_made)
    assert {path.name for path in read(results)} == {"two.csv", "three.csv"}


def test_what_was_put_in_a_files_place_is_not_noted_as_made(results):
    """Snakemake's memory does not notice it where nothing is made from the file."""
    records = recorded(results, "one.csv", "two.csv")
    note(results, {str(results / "one.csv"): records[str(results / "one.csv")]})
    made = read(results)
    for name in ("one.csv", "two.csv"):
        (results / name).write_text("of another run")
        os.utime(results / name, (1, 1))
    note(results, records)
    assert read(results) == made


def test_of_tensors_their_own_checksum_counts(results):
    """Which the header holds, so that masks are not read as a whole at the end of each run."""
    first, same, other = (results / f"{name}.safetensors" for name in ("a", "b", "c"))
    for path, number in ((first, 1), (same, 1), (other, 2)):
        write_tensors(path, {"x": np.array([number])}, {})
    assert content_of(first) == content_of(same) != content_of(other)
    damaged = first.read_bytes()
    other.write_bytes(damaged[:4])
    assert content_of(other) == ""


@pytest.mark.parametrize("text", [None, "{", "{}", '{"jobs": [{}]}', '{"jobs": 3}'])
def test_a_missing_or_broken_record(results, text):
    if text is not None:
        (results / NAME).parent.mkdir()
        (results / NAME).write_text(text)
    assert read(results) == {}
    with pytest.raises(InputError, match=r"made_with\.json: is missing"):
        must_be_read(results)
