import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors import safe_open
from torch import nn

from multiprune.errors import InputError
from multiprune.pruning import masks
from multiprune.pruning.files import read_mask
from multiprune.pruning.masks import BITS, apply_mask, pack, unpack, write_mask

KEEP = torch.tensor([[1, 0, 1, 1, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 1, 0]], dtype=torch.bool)
SHAPES = {"linear.weight": (2, 9)}


def written(path, keep=KEEP, name="linear.weight", **metadata):
    write_mask(path, {name: pack(keep)}, {"shapes": {name: tuple(keep.shape)}, **metadata})
    return path


def linear(rows=2, columns=9, dtype=torch.float32):
    model = nn.ModuleDict({"linear": nn.Linear(columns, rows)}).to(dtype)
    values = torch.arange(1, rows * columns + 1).reshape(rows, columns)
    model["linear"].weight.data = -values.to(dtype)
    return model


def test_bits_are_big_endian_and_rows_padded():
    # 10110001 1-------, 00000001 0-------
    assert pack(KEEP).tolist() == [[0b10110001, 0b10000000], [0b00000001, 0]]


@settings(deadline=None)
@given(arrays.arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 40))))
def test_packing_is_what_unpackbits_undoes(keep):
    packed = pack(torch.from_numpy(keep))
    assert packed.dtype == np.uint8
    assert packed.shape == (keep.shape[0], -(-keep.shape[1] // 8))
    np.testing.assert_array_equal(np.unpackbits(packed, axis=1)[:, : keep.shape[1]], keep)
    np.testing.assert_array_equal(unpack(packed, keep.shape), keep)


def test_a_transposed_mask_packs_along_stored_rows():
    assert pack(KEEP.T).shape == (9, 1)
    np.testing.assert_array_equal(unpack(pack(KEEP.T), (9, 2)), KEEP.T.numpy())


def test_reading_gives_what_was_written(tmp_path):
    [(name, packed, shape)] = read_mask(written(tmp_path / "m.safetensors"))
    assert (name, shape) == ("linear.weight", (2, 9))
    np.testing.assert_array_equal(unpack(packed, shape), KEEP.numpy())


def test_bytes_depend_on_content_only(tmp_path):
    masks = {name: pack(KEEP) for name in ("b", "a", "c")}
    notes = {"shapes": dict.fromkeys(masks, (2, 9)), "x": {"q": 1, "p": 2}, "method": "wanda"}
    write_mask(tmp_path / "1", masks, notes)
    turned = {"method": "wanda", "x": {"p": 2, "q": 1}, "shapes": dict.fromkeys("cab", (2, 9))}
    write_mask(tmp_path / "2", dict(reversed(masks.items())), turned)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_one_bit_a_weight_on_a_block_of_a_135m_model(tmp_path):
    shapes = {"q": (576, 576), "k": (192, 576), "up": (1536, 576), "down": (576, 1536)}
    masks = {name: pack(torch.ones(shape, dtype=torch.bool)) for name, shape in shapes.items()}
    write_mask(tmp_path / "m", masks, {"shapes": shapes})
    weights = sum(rows * columns for rows, columns in shapes.values())
    assert (tmp_path / "m").stat().st_size <= 1.02 * weights / 8 + 2048


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_masked_weights_are_zero_and_the_others_untouched(tmp_path, dtype):
    model, before = linear(dtype=dtype), linear(dtype=dtype)
    apply_mask(model, written(tmp_path / "m"))
    weight, old = model["linear"].weight, before["linear"].weight
    assert weight.dtype == dtype
    assert (weight[~KEEP] == 0).all()
    assert not weight[~KEEP].signbit().any()
    assert torch.equal(weight[KEEP], old[KEEP])
    assert (old != 0).all()


def test_applying_twice_changes_nothing_more(tmp_path):
    model = linear()
    apply_mask(model, written(tmp_path / "m"))
    once = model["linear"].weight.clone()
    apply_mask(model, tmp_path / "m")
    assert torch.equal(model["linear"].weight, once)


def test_even_infinite_weights_become_zero(tmp_path):
    model = linear()
    model["linear"].weight.data[0, 1] = torch.inf
    apply_mask(model, written(tmp_path / "m"))
    assert model["linear"].weight[0, 1] == 0


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (linear(3, 9), r"m: linear\.weight is 3x9 in the model, 2x9 in the mask"),
        (linear(9, 2), r"m: linear\.weight is 9x2 in the model, 2x9 in the mask"),
        (nn.Linear(9, 2), r"m: masks linear\.weight, which the model does not have"),
    ],
)
def test_a_mask_of_another_model_is_refused(tmp_path, model, message):
    with pytest.raises(InputError, match=message):
        apply_mask(model, written(tmp_path / "m"))


def test_a_file_that_is_no_mask_is_one_line(tmp_path):
    write_mask(tmp_path / "m", {"linear.weight": pack(KEEP)}, {})
    with pytest.raises(InputError, match=r"m: is not a mask"):
        apply_mask(linear(), tmp_path / "m")


def test_metadata_is_text_or_json(tmp_path):
    written(tmp_path / "m", method="wanda", blocks=[{"block": 0}])
    with safe_open(tmp_path / "m", framework="np") as file:
        metadata = file.metadata()
    assert metadata["method"] == "wanda"
    assert json.loads(metadata["blocks"]) == [{"block": 0}]
    assert json.loads(metadata["shapes"]) == {"linear.weight": [2, 9]}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 8), (7, 21)])
def test_unpacking_on_a_device_leaves_the_same_bits(monkeypatch, dtype, rows, columns):
    """What a GPU does, here on the CPU, in pieces of two rows."""
    monkeypatch.setattr(masks, "ROWS", 2)
    keep = torch.rand(rows, columns, generator=torch.Generator().manual_seed(rows)) > 0.5
    weights = torch.full((rows, columns), float("nan"), dtype=dtype)
    bits = weights.view(BITS[weights.element_size()]).clone()
    expected = torch.where(keep, bits, 0)
    masks._drop_in_place(bits, pack(keep))
    assert torch.equal(bits, expected)
