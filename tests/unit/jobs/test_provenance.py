"""Which files a block has read, and the origin that is made of them."""

import numpy as np
import pandas as pd

from multiprune.files.checksums import origin_of
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json, read_json_lines, write_json, write_json_lines
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import read_table, write_table
from multiprune.files.tensors import read_tensors, write_tensors
from multiprune.jobs import code_digest as digest
from multiprune.jobs.provenance import origin


def test_every_reader_notes_its_file(tmp_path):
    write_json(tmp_path / "a.json", {})
    write_json_lines(tmp_path / "b.jsonl", [{}])
    write_tensors(tmp_path / "c.safetensors", {"x": np.zeros(1, np.float32)}, {})
    write_table(tmp_path / "d.csv", pd.DataFrame({"x": [1]}))
    read_json(tmp_path / "a.json")
    with noting_inputs() as inputs:
        with noting_inputs() as nothing:
            pass
        read_json_lines(tmp_path / "b.jsonl")
        with noting_inputs() as inner:
            read_tensors(tmp_path / "c.safetensors")
        read_table(tmp_path / "d.csv", ["x"])
    read_json(tmp_path / "a.json")
    assert {path.name for path in inputs} == {"b.jsonl", "c.safetensors", "d.csv"}
    assert {path.name for path in inner} == {"c.safetensors"}
    assert nothing == set()


def test_the_origin_of_a_table(tmp_path):
    table, read = tmp_path / "t.csv", tmp_path / "a.json"
    write_json(read, {"a": 1})
    write_table(table, pd.DataFrame({"x": [1]}), origin(digest.__file__, {read}, [1, 0]))
    found = read_json(origin_of(table))
    assert found["sha256"] == sha256_file(table)
    assert found["inputs"] == {str(read): sha256_file(read)}
    assert found["seeds"] == [0, 1]
    assert found["code"] == digest.code_digest(digest.__file__)
    assert found["versions"]["pandas"] == pd.__version__
