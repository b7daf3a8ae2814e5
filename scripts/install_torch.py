"""Install the build of torch that this machine can use, before pip takes the one of its own index.

That one is built for a recent CUDA and brings gigabytes with it. Without an NVIDIA driver the build
for CPUs is enough, and with an older driver one for an older CUDA is needed: PyTorch has both in an
index of its own. Where it does not answer, or pip is told to use none, nothing is installed here.
"""

import argparse
import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from multiprune.errors import InputError
from multiprune.jobs.command import run

PATIENCE = 5  # seconds for the index to answer
DRIVER = Path("/proc/driver/nvidia/version")
LIBRARY = "libcuda.so.1"
# The CUDA that torch on pip's own index is built for, and older ones with a build, newest first.
USUAL_CUDA = 13
OLDER_CUDA = {"cu129": 12, "cu128": 12, "cu126": 12, "cu118": 11}


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requirements", type=Path, required=True, help="file that pins torch")
    parser.add_argument("--index", required=True, help="above cpu/ and cu128/, as PyTorch has it")
    parser.add_argument("--wheels", type=Path, help="only download it, to this folder")
    return parser.parse_args()


def pinned(requirements: Path) -> str:
    """The requirement of torch in a file, such as torch==2.13.0."""
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"torch==[^\s#;]+", line):
            return found[0]
    raise InputError(f"{requirements}: pins no version of torch; write torch==VERSION")


def has_driver() -> bool:
    """Whether this machine has NVIDIA's driver."""
    return DRIVER.exists() or shutil.which("nvidia-smi") is not None or cuda_of_driver() is not None


def cuda_of_driver() -> int | None:
    """The newest major version of CUDA that the driver runs; None where it does not say."""
    version = ctypes.c_int()
    try:
        failed = ctypes.CDLL(LIBRARY).cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return None if failed or not version.value else version.value // 1000  # 12040: CUDA 12.4


def builds() -> list[str]:
    """Builds to look for in PyTorch's index, the best first; none where the usual one will do."""
    if not has_driver():
        return ["cpu"]
    cuda = cuda_of_driver() or USUAL_CUDA
    return [] if cuda >= USUAL_CUDA else [name for name, of in OLDER_CUDA.items() if of <= cuda]


def page_of(index: str, build: str) -> str:
    """The index's page of a build's wheels; empty where it has none.

    Raises URLError, TimeoutError or another OSError where nobody answers.
    """
    try:
        with urlopen(f"{index.rstrip('/')}/{build}/torch/", timeout=PATIENCE) as answer:
            return answer.read().decode(errors="replace")
    except URLError as error:
        if getattr(error, "code", None) in (403, 404):
            return ""
        raise


def find(index: str, requirement: str) -> str | None:
    """The best build that the index has of the pinned version; says so where there is none."""
    wheel = requirement.replace("==", "-")
    wanted = builds()
    try:
        for build in wanted:
            if re.search(rf">{re.escape(wheel)}(\+|%2B|-)", page_of(index, build)):
                return build
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        print(f"{index} does not answer ({reason}); pip takes torch from its own index")
        return None
    if wanted:
        print(f"{index} has no {requirement} for {' or '.join(wanted)}; pip takes its own index's")
    return None


def main() -> None:
    """Install or download one wheel, without what it needs: that is pinned elsewhere."""
    options = parse()
    requirement = pinned(options.requirements)
    if os.environ.get("PIP_NO_INDEX") or (build := find(options.index, requirement)) is None:
        return
    print(f"{requirement}: the build {build} of {options.index}", flush=True)
    pip = [sys.executable, "-m", "pip", *(["download"] if options.wheels else ["install"])]
    place = ["--dest", str(options.wheels)] if options.wheels else []
    address = f"{options.index.rstrip('/')}/{build}"
    done = subprocess.run(
        [*pip, "--no-deps", *place, "--index-url", address, requirement], check=False
    )
    if done.returncode:
        print(f"{requirement} of {address} cannot be installed; pip takes its own index's")


if __name__ == "__main__":
    run(main, log_environment=False)
