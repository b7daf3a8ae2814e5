import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from multiprune.errors import InputError
from multiprune.files.hashes import sha256_arrays
from multiprune.pruning.files import mask_hash, pruning_hash, weights_hash
from multiprune.pruning.masks import check_mask_belongs, pack, write_mask
from multiprune.pruning.moved_weights import (
    apply_pruning,
    apply_weights,
    join_weights,
    read_weights,
    write_weights,
)
from multiprune.pruning.sequential.sparsegpt import inverse_factor, prune_with

NEW = torch.tensor([[0.0, 1.5, -2.0], [0.25, 0.0, 3.0]])
NAME = "linear.weight"


def written(path, weight=NEW, name=NAME, **metadata):
    write_weights(path, {name: weight}, metadata)
    return path


def linear(dtype=torch.float32, columns=3, rows=2):
    model = nn.ModuleDict({"linear": nn.Linear(columns, rows), "other": nn.Linear(3, 2)})
    return model.to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_reading_gives_what_was_written_bit_for_bit(tmp_path, dtype):
    weight = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)).to(dtype)
    weight[1, 2] = 0
    [(name, found)] = read_weights(written(tmp_path / "w", weight))
    assert name == NAME
    assert found.dtype == dtype
    assert torch.equal(found, weight)
    assert found[1, 2] == 0
    assert not found[1, 2].signbit()


def test_the_library_reads_the_file_too(tmp_path):
    weights = {"b": NEW.bfloat16(), "a": NEW.T.half(), "c": NEW[:1]}
    write_weights(tmp_path / "w", weights, {})
    found = load_file(tmp_path / "w")
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        assert found[name].dtype == weight.dtype
        assert torch.equal(found[name], weight)


def test_metadata_is_that_of_a_mask_with_shapes(tmp_path):
    path = written(tmp_path / "w", method="sparsegpt", blocks=[{"block": 0}])
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    assert metadata["method"] == "sparsegpt"
    assert json.loads(metadata["blocks"]) == [{"block": 0}]
    assert json.loads(metadata["shapes"]) == {NAME: [2, 3]}


def test_bytes_depend_on_content_only(tmp_path):
    weights = {name: NEW.bfloat16() for name in ("b", "a", "c")}
    write_weights(tmp_path / "1", weights, {"x": {"q": 1, "p": 2}, "method": "sparsegpt"})
    turned = {"method": "sparsegpt", "x": {"p": 2, "q": 1}}
    write_weights(tmp_path / "2", dict(reversed(weights.items())), turned)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_parts_joined_are_the_whole_written_at_once(tmp_path):
    weights = {"b": NEW.bfloat16(), "a": NEW.T.half(), "c": NEW}
    write_weights(tmp_path / "whole", weights, {"method": "sparsegpt"})
    parts = [written(tmp_path / name, weights[name], name, block=1) for name in "cab"]
    join_weights(tmp_path / "joined", parts, {"method": "sparsegpt"})
    assert (tmp_path / "joined").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_broken_part_leaves_no_file_and_is_set_aside(tmp_path):
    part = written(tmp_path / "part")
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"part: is not a safetensors file"):
        join_weights(tmp_path / "joined", [part], {})
    assert [path.name for path in tmp_path.iterdir()] == ["part.corrupt"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_model_gets_the_new_weights_and_keeps_the_others(tmp_path, dtype):
    model = linear(dtype)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    apply_weights(model, written(tmp_path / "w", NEW.to(dtype)))
    for name, value in model.state_dict().items():
        assert value.dtype == dtype
        assert torch.equal(value, NEW.to(dtype) if name == NAME else before[name])
    assert model["linear"].weight.requires_grad


def test_a_model_in_wider_precision_gets_the_same_numbers(tmp_path):
    model = linear(torch.float32)
    weight = (NEW / 3).bfloat16()
    apply_weights(model, written(tmp_path / "w", weight))
    assert model["linear"].weight.dtype == torch.float32
    assert torch.equal(model["linear"].weight, weight.float())
    assert torch.equal(model["linear"].weight == 0, NEW == 0)


def test_a_pruned_matrix_survives_the_way_through_the_file(tmp_path):
    model = linear(torch.bfloat16, columns=32, rows=8)
    inputs = torch.randn(100, 32, generator=torch.Generator().manual_seed(1))
    factor = inverse_factor(inputs.T @ inputs)
    pruned = prune_with(model["linear"].weight, factor, 0.5, group_size=4)
    apply_weights(model, written(tmp_path / "w", pruned.weight))
    assert torch.equal(model["linear"].weight, pruned.weight)
    assert int((model["linear"].weight == 0).sum()) == pruned.pruned == 128


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (linear(rows=3), r"w: linear\.weight is 3x3 in the model, 2x3 in the file"),
        (nn.Linear(3, 2), r"w: holds linear\.weight, which the model does not have"),
    ],
)
def test_weights_of_another_architecture_are_refused(tmp_path, model, message):
    with pytest.raises(InputError, match=message):
        apply_weights(model, written(tmp_path / "w"))


def test_weights_of_another_model_are_refused_by_fingerprint(tmp_path):
    path = written(tmp_path / "w", inputs={"model": "abc"})
    check_mask_belongs(path, "abc")
    with pytest.raises(InputError, match="w: was made for another model"):
        check_mask_belongs(path, "abd")


def mask_of_new(path):
    write_mask(path, {NAME: pack(NEW != 0)}, {"shapes": {NAME: (2, 3)}})
    return path


def test_a_mask_holds_no_weights(tmp_path):
    with pytest.raises(InputError, match="m: holds no pruned weights; is it a mask"):
        list(read_weights(mask_of_new(tmp_path / "m")))


def test_either_kind_of_file_prunes_a_model(tmp_path):
    masked, replaced = linear(), linear()
    dense = masked["linear"].weight.clone()
    apply_pruning(masked, mask_of_new(tmp_path / "m"))
    apply_pruning(replaced, written(tmp_path / "w"))
    assert torch.equal(masked["linear"].weight, dense * (NEW != 0))
    assert torch.equal(replaced["linear"].weight, NEW)


def test_the_hash_tells_weights_apart_and_ignores_metadata(tmp_path):
    path = written(tmp_path / "1", method="sparsegpt")
    assert pruning_hash(path) == weights_hash(path)
    assert weights_hash(path) == weights_hash(written(tmp_path / "2", method="other"))
    moved = NEW.clone()
    moved[1, 2] += 1e-6
    assert weights_hash(path) != weights_hash(written(tmp_path / "3", moved))
    half, short = (torch.zeros(2, 3, dtype=dtype) for dtype in (torch.half, torch.bfloat16))
    hashes = {weights_hash(written(tmp_path / "4", weight)) for weight in (half, short, half.T)}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (torch.bfloat16, b"BF16"),
        (torch.half, b"F16"),
        (torch.float, b"F32"),
        (torch.double, b"F64"),
    ],
)
def test_the_hash_is_of_precision_and_bits(tmp_path, dtype, name):
    weight = NEW.to(dtype)
    parts = [np.frombuffer(name, np.uint8), weight.view(torch.uint8).numpy()]
    assert weights_hash(written(tmp_path / "w", weight)) == sha256_arrays(parts)


def test_the_hash_of_a_mask_is_that_of_masks(tmp_path):
    path = mask_of_new(tmp_path / "m")
    assert pruning_hash(path) == mask_hash(path)
    assert pruning_hash(None) is None
