"""Say on what jobs compute here: the host, its GPU and driver, torch's CUDA and the free memory."""

import argparse
import os
import socket
from pathlib import Path

import torch

from multiprune.errors import InputError, in_one_line
from multiprune.files.writing import replacing
from multiprune.jobs.command import run
from multiprune.models.devices import ASKED, AUTO, CPU, card, device

GIB = 2**30


def main() -> None:
    """Print and write one line; InputError where a GPU was granted and torch cannot use it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="a file of one line")
    options = parser.parse_args()
    line = f"{socket.gethostname()}: {described()}"
    print(line)
    with replacing(options.output) as temporary:
        temporary.write_text(f"{line}\n", encoding="utf-8")


def described() -> str:
    """The GPU that a job gets, or that there is none."""
    if device().type == CPU:
        asked = os.environ.get(ASKED, AUTO)
        return f"jobs run on the CPU (compute.device: {asked}), torch {torch.__version__}"
    found = card()
    free, total = usable_memory()
    return (
        f"{found['card']}, driver {found['driver']}, torch {torch.__version__} with CUDA "
        f"{found['cuda']}, {free / GIB:.1f} of {total / GIB:.1f} GiB free"
    )


def usable_memory() -> tuple[int, int]:
    """Free and all bytes of the first GPU; InputError where it is seen and computes nothing.

    A build of torch may lack the kernels of a card, and another process may hold the card alone.
    """
    try:
        torch.ones(8, 8, device="cuda").matmul(torch.ones(8, 8, device="cuda")).sum().item()
        return torch.cuda.mem_get_info()
    except RuntimeError as error:
        raise InputError(f"the GPU is there and cannot be used: {in_one_line(error)}") from None


if __name__ == "__main__":
    run(main)
