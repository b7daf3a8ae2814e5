"""On what a job computes: the processor, one GPU, or several where a model is too large for one.

The environment variable MULTIPRUNE_DEVICE says `auto`, `cpu` or `cuda`; the workflow sets it from
`compute.device` of the config.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import torch

from multiprune.errors import InputError
from multiprune.files.header import stored_tensors

ASKED = "MULTIPRUNE_DEVICE"
AUTO, CPU, CUDA = "auto", "cpu", "cuda"
FILLED = 0.85  # of a GPU's memory by weights at most; the rest is for activations and logits
DRIVER = Path("/proc/driver/nvidia/version")
FILES = Path("/dev")  # nvidia0 and so on, of the cards that are there
# What SLURM sets in a job that asked for GPUs, and only there.
OF_SLURM = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS")
NO_CARDS = ("", "-1", "NoDevFiles")  # of CUDA_VISIBLE_DEVICES


def set_up(threads: int) -> torch.device:
    """Use `threads` cores and deterministic kernels; the device that a job is to compute on."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Deterministic mode also fills all new memory, at a fifth of a pass's time; nothing reads it.
    torch.utils.deterministic.fill_uninitialized_memory = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return device()


def device() -> torch.device:
    """CUDA where it can be used, unless the processor is asked for.

    Raises InputError where a GPU was granted to the job, or asked for, and torch cannot use it:
    otherwise the job would run for hours on one core.
    """
    asked = os.environ.get(ASKED, AUTO)
    if asked not in (AUTO, CPU, CUDA):
        raise InputError(f"{ASKED}: found {asked!r}, allowed are {AUTO}, {CPU}, {CUDA}")
    if asked == CPU:
        return torch.device(CPU)
    if torch.cuda.is_available():
        return torch.device(CUDA)
    if sign := "compute.device: cuda" if asked == CUDA else granted(os.environ):
        raise InputError(
            f"torch {torch.__version__} cannot use the GPU that {sign} speaks of ({_builds()}); "
            "install the build of torch for this driver (docs/installation.md), or compute on the "
            "processor with compute.device: cpu in the config"
        )
    return torch.device(CPU)


def granted(environment: Mapping[str, str]) -> str:
    """By what a job can tell that it was given a GPU; empty where by nothing."""
    if (visible := environment.get("CUDA_VISIBLE_DEVICES")) is not None:
        return "" if visible in NO_CARDS else f"CUDA_VISIBLE_DEVICES={visible}"
    for name in OF_SLURM:
        if value := environment.get(name):
            return f"{name}={value}"
    if "SLURM_JOB_ID" in environment:  # the node's cards are others'
        return ""
    return next((str(path) for path in sorted(FILES.glob("nvidia[0-9]*"))), "")


def placement(folder: Path, dtype: str, memory: int) -> dict[str, int] | str:
    """Where transformers is to put a model: on the first GPU if it fits, else spread over all.

    memory: bytes of that GPU.
    """
    return {"": 0} if weight_bytes(folder, dtype) <= FILLED * memory else "auto"


def gpu_memory() -> int:
    """Bytes of the first GPU."""
    return torch.cuda.get_device_properties(0).total_memory


def weight_bytes(folder: Path, dtype: str = AUTO) -> int:
    """Bytes of a model's weights in memory, by the headers of its files.

    dtype: a torch type that they are converted to, or `auto`: as they are stored.
    """
    tensors = [tensor for path in folder.glob("*.safetensors") for tensor in stored_tensors(path)]
    if dtype == AUTO:
        return sum(tensor.size for tensor in tensors)
    return getattr(torch, dtype).itemsize * sum(math.prod(tensor.shape) for tensor in tensors)


def in_halves(work: Callable[[list], list], items: list) -> list:
    """`work(items)`, a list with an entry for each; in halves where a GPU has no memory for all.

    Raises torch's OutOfMemoryError where a single item is too much.
    """
    try:
        return work(items)
    except torch.OutOfMemoryError:
        if len(items) == 1:
            raise
    make_room(len(items))  # here, where what the failed attempt held is free
    middle = len(items) // 2
    return [*in_halves(work, items[:middle]), *in_halves(work, items[middle:])]


def make_room(texts: int) -> None:
    """Before the halves of so many texts, for which the GPU had no memory."""
    torch.cuda.empty_cache()
    print(f"the GPU has no memory for {texts} texts at a time: in halves", flush=True)


def card() -> dict[str, str]:
    """Name of the GPU, its driver and torch's CUDA, on which last digits depend; {} without one."""
    if device().type == CPU:
        return {}
    names = {torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())}
    return {
        "card": ", ".join(sorted(names)),
        "driver": _driver() or "unknown",
        "cuda": str(torch.version.cuda),
    }


def _builds() -> str:
    built = f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "is built for CPUs"
    driver = _driver()
    return f"it {built}, {f'the driver is {driver}' if driver else 'no driver is loaded'}"


def _driver() -> str:
    with suppress(OSError):
        if found := re.search(r"Kernel Module\D*([\d.]+)", DRIVER.read_text()):
            return found[1]
    return ""
