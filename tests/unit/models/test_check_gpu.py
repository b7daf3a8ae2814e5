"""The line that a job writes of its GPU; stand-ins for torch's words, since there is none here."""

import re
import socket

import pytest
import torch
from script_calls import call, refusal

import check_gpu
from multiprune.errors import InputError
from multiprune.models import devices

HOST = socket.gethostname()


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine on which nothing speaks of a GPU."""
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", devices.ASKED, *devices.OF_SLURM):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(devices, "FILES", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return monkeypatch


@pytest.mark.parametrize("asked", ["auto", "cpu"])
def test_without_a_gpu_jobs_run_on_the_cpu(bare, tmp_path, asked):
    bare.setenv(devices.ASKED, asked)
    assert call("check_gpu", "--output", tmp_path / "gpu.txt") == (0, [])
    assert (tmp_path / "gpu.txt").read_text() == (
        f"{HOST}: jobs run on the CPU (compute.device: {asked}), torch {torch.__version__}\n"
    )


def test_a_gpu_that_was_granted_and_is_not_there(bare, tmp_path):
    bare.setenv("SLURM_JOB_GPUS", "0")
    line = refusal("check_gpu", "--output", tmp_path / "gpu.txt")
    assert "cannot use the GPU that SLURM_JOB_GPUS=0 speaks of" in line
    assert not (tmp_path / "gpu.txt").exists()


def test_card_driver_versions_and_memory(bare):
    bare.setattr(torch.cuda, "is_available", lambda: True)
    found = {"card": "NVIDIA A100", "driver": "550.54", "cuda": "12.6"}
    bare.setattr(check_gpu, "card", lambda: found)
    bare.setattr(check_gpu, "usable_memory", lambda: (39 * 2**30, 40 * 2**30))
    assert check_gpu.described() == (
        f"NVIDIA A100, driver 550.54, torch {torch.__version__} with CUDA 12.6, 39.0 of 40.0 GiB "
        "free"
    )


def test_a_gpu_that_is_seen_and_computes_nothing(bare):
    def without_kernels(*shape, device):
        raise RuntimeError(f"CUDA error: no kernel image is available on {device}\nCompile with")

    bare.setattr(torch, "ones", without_kernels)
    expected = re.escape("there and cannot be used: RuntimeError: CUDA error: no kernel image")
    with pytest.raises(InputError, match=expected) as caught:
        check_gpu.usable_memory()
    assert "\n" not in str(caught.value)
