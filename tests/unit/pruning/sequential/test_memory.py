"""Sequential pruning where a GPU has no memory for a batch: in halves, with the same result."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tiny_architectures import write_model
from torch import nn
from transformers.pytorch_utils import Conv1D

from multiprune.pruning.sequential.passes import BlockPasses
from unit.pruning.sequential.data import prune, with_windows

ROOM = 2  # windows that fit at a time


@pytest.fixture(params=["llama", "bloom", "gemma3_text"])  # padding, ALiBi, sliding windows
def folder(request, tmp_path: Path) -> Path:
    write_model(request.param, tmp_path / "model")
    return with_windows(tmp_path)


def out_of_memory(monkeypatch, most: int) -> None:
    """A block with more than `most` windows fails half-way, behind the inputs of its attention."""
    run = BlockPasses._run

    def run_short_of_memory(self: BlockPasses, block: int, batch):
        def fail(*_arguments):
            raise torch.OutOfMemoryError("CUDA out of memory")

        if len(batch.hidden) <= most:
            return run(self, block, batch)
        linear = [m for m in self._blocks[block].modules() if isinstance(m, nn.Linear | Conv1D)]
        hook = linear[-2].register_forward_pre_hook(fail, prepend=True)
        try:
            return run(self, block, batch)
        finally:
            hook.remove()

    monkeypatch.setattr(BlockPasses, "_run", run_short_of_memory)


@pytest.mark.parametrize("name", ["m-wanda", "sparsegpt", "swaps-worst"])
def test_halves_give_the_same(monkeypatch, folder: Path, name: str, capsys):
    expected = load_file(prune(monkeypatch, folder, folder / "whole", name))
    assert "in halves" not in capsys.readouterr().out
    out_of_memory(monkeypatch, ROOM)
    found = load_file(prune(monkeypatch, folder, folder / "halves", name))
    assert "no memory for 4 texts at a time: in halves" in capsys.readouterr().out
    assert found.keys() == expected.keys()
    for parameter, values in expected.items():
        np.testing.assert_allclose(found[parameter], values, rtol=1e-4, atol=1e-5)


def test_a_window_that_is_too_much_alone_ends_the_job(monkeypatch, folder: Path):
    out_of_memory(monkeypatch, 0)
    with pytest.raises(torch.OutOfMemoryError):
        prune(monkeypatch, folder, folder / "mask", "wanda")
