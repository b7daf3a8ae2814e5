import json

import pytest
import torch
from safetensors.torch import save_file

from multiprune.errors import InputError
from multiprune.files.header import stored_tensors


def test_tensors_are_listed_in_the_order_of_their_bytes(tmp_path):
    save_file({"b": torch.zeros(3, 2), "a": torch.zeros(5, dtype=torch.bfloat16)}, tmp_path / "f")
    found = {t.name: (t.dtype, t.shape, t.size) for t in stored_tensors(tmp_path / "f")}
    assert found == {"b": ("F32", (3, 2), 24), "a": ("BF16", (5,), 10)}
    header = json.loads((tmp_path / "f").read_bytes()[8:].split(b"}}")[0] + b"}}")
    assert list(found) == sorted(found, key=lambda name: header[name]["data_offsets"])


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        *(b"", b"[]", b"{", b"5", b"\xff", b'{"a": 5}', b'{"a": {"data_offsets": [0, NaN]}}'),
        *(b'{"a": {"data_offsets": [0]}}', b'{"a": {"data_offsets": null}}'),
    ],
)
def test_a_header_of_another_form_is_one_line(tmp_path, header):
    path = tmp_path / "f"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(InputError, match=r"/f: has no header of safetensors \(") as caught:
        stored_tensors(path)
    assert "\n" not in str(caught.value)


def test_a_header_that_claims_to_be_endless_is_one_line(tmp_path):
    (tmp_path / "f").write_bytes(b"\xff" * 8)
    with pytest.raises(InputError, match="has no header of safetensors"):
        stored_tensors(tmp_path / "f")
