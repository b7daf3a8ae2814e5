import json

import torch
from safetensors.torch import save_file

from multiprune.files.header import stored_tensors


def test_tensors_are_listed_in_the_order_of_their_bytes(tmp_path):
    save_file({"b": torch.zeros(3, 2), "a": torch.zeros(5, dtype=torch.bfloat16)}, tmp_path / "f")
    found = {t.name: (t.dtype, t.shape, t.size) for t in stored_tensors(tmp_path / "f")}
    assert found == {"b": ("F32", (3, 2), 24), "a": ("BF16", (5,), 10)}
    header = json.loads((tmp_path / "f").read_bytes()[8:].split(b"}}")[0] + b"}}")
    assert list(found) == sorted(found, key=lambda name: header[name]["data_offsets"])
