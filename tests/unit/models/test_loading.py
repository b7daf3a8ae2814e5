"""What loading a model refuses, so that no number comes from weights that are not there."""

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from multiprune.errors import InputError
from multiprune.models.loading import check_length, load_model


def test_a_missing_weight_is_refused_instead_of_drawn_at_random(tmp_path):
    folder = tiny.write_llama(tmp_path / "model")
    file = folder / "model.safetensors"
    weights = load_file(file)
    del weights["lm_head.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"has no weights for lm_head\.weight \(1 missing\)"):
        load_model(folder)


def test_a_weight_left_off_the_gpu_is_refused(tmp_path, monkeypatch):
    folder = tiny.write_llama(tmp_path / "model")
    monkeypatch.setattr(torch.nn.Parameter, "is_meta", True, raising=False)
    with pytest.raises(InputError, match="does not fit on the GPU"):
        load_model(folder)


def test_windows_beyond_the_models_positions_are_refused(tmp_path):
    model = load_model(tiny.write_llama(tmp_path / "model"))  # 256 positions
    check_length(model, 256)
    with pytest.raises(InputError, match="257 tokens are longer than the 256 positions"):
        check_length(model, 257)
