"""What jobs compute on: which device, what they say without it, and a model on two of them."""

import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch

from multiprune.errors import InputError
from multiprune.models import devices

ROOT = Path(__file__).parents[3]
VARIABLES = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", devices.ASKED, *devices.OF_SLURM)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine on which nothing speaks of a GPU."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(devices, "FILES", tmp_path)
    return monkeypatch


@pytest.mark.parametrize(
    ("environment", "sign"),
    [
        ({}, ""),
        ({"CUDA_VISIBLE_DEVICES": "0,1"}, "CUDA_VISIBLE_DEVICES=0,1"),
        ({"CUDA_VISIBLE_DEVICES": "", "SLURM_JOB_GPUS": "0"}, ""),  # taken away on purpose
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, ""),
        ({"SLURM_JOB_GPUS": "0", "SLURM_JOB_ID": "7"}, "SLURM_JOB_GPUS=0"),
        ({"SLURM_STEP_GPUS": "2"}, "SLURM_STEP_GPUS=2"),
    ],
)
def test_signs_of_a_gpu(bare, environment, sign):
    assert devices.granted(environment) == sign


def test_the_cards_of_a_node_are_not_those_of_its_jobs(bare, tmp_path):
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidiactl").touch()
    assert devices.granted({}) == str(tmp_path / "nvidia0")
    assert devices.granted({"SLURM_JOB_ID": "7"}) == ""


def test_a_gpu_that_cannot_be_used_is_one_line(bare):
    bare.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.device() == torch.device("cpu")
    bare.setenv("SLURM_JOB_GPUS", "0")
    expected = (
        r"cannot use the GPU that SLURM_JOB_GPUS=0 speaks of \(it is built for .*no driver is "
        r"loaded\); install the build of torch .* or compute on the processor with compute\.device"
    )
    with pytest.raises(InputError, match=expected):
        devices.device()
    bare.setenv(devices.ASKED, "cpu")
    assert devices.device() == torch.device("cpu")


def test_the_driver_is_named(bare, tmp_path):
    bare.setattr(devices, "DRIVER", tmp_path / "version")
    text = (
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\nGCC version: 12\n"
    )
    devices.DRIVER.write_text(text)
    bare.setattr(torch.cuda, "is_available", lambda: False)
    bare.setenv(devices.ASKED, "cuda")
    with pytest.raises(InputError, match=r"compute\.device: cuda .* driver is 535\.183\.01"):
        devices.device()


def test_another_word_is_refused(bare):
    bare.setenv(devices.ASKED, "gpu")
    with pytest.raises(InputError, match="found 'gpu', allowed are auto, cpu, cuda"):
        devices.device()


def test_a_model_that_fits_is_put_on_one_gpu(tmp_path):
    folder = tiny.write_llama(tmp_path / "model")
    size = devices.weight_bytes(folder)
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert 0.8 * stored < size < stored
    assert devices.weight_bytes(folder, "float64") == 2 * devices.weight_bytes(folder, "float32")
    enough = int(size / devices.FILLED) + 1
    assert devices.placement(folder, "auto", enough) == {"": 0}
    assert devices.placement(folder, "auto", enough - 2) == "auto"


def test_a_job_with_a_gpu_that_cannot_be_used_ends(tmp_path, bare):
    """As SLURM starts it, on a machine where torch finds no GPU; nothing is written."""
    bare.setenv("SLURM_JOB_GPUS", "0")
    words = ["--model", "m", "--dtype", "auto", "--windows", "w", "--batch-tokens", "1"]
    words += ["--activation-threshold", "1", "--threads", "1", "--output", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/collect_statistics.py", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "SLURM_JOB_GPUS=0" in line
    assert not (tmp_path / "out").exists()


def little_memory(most: int, sizes: list[int]):
    """Work on at most so many texts at a time; beyond, what torch raises on a GPU that is full."""

    def work(items: list) -> list:
        sizes.append(len(items))
        if len(items) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [2 * item for item in items]

    return work


def test_what_a_gpu_has_no_memory_for_is_done_in_halves(capsys):
    sizes: list[int] = []
    assert devices.in_halves(little_memory(2, sizes), [1, 2, 3, 4, 5]) == [2, 4, 6, 8, 10]
    assert sizes == [5, 2, 3, 1, 2]
    assert "no memory for 5 texts at a time: in halves" in capsys.readouterr().out
    with pytest.raises(torch.OutOfMemoryError):
        devices.in_halves(little_memory(0, sizes), [1, 2])


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_a_model_on_two_gpus_is_scored(tied):
    """Fake devices, whose tensors have no numbers, check that all meet on one of them."""
    script = Path(__file__).with_name("two_devices.py")
    done = subprocess.run(
        [sys.executable, script, "tied" if tied else "untied"],
        capture_output=True, text=True, check=False, cwd=ROOT / "scripts",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == ["hidden cuda:1", "scores: 8 of 8", "checked"]
