"""Models whose weights are there only as pickles: converted to safetensors once, when fetched."""

import subprocess
import sys
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.hashes import sha256_file

PROGRAM = Path(__file__).with_name("unpickling.py")


def convert(source: Path, target: Path, names: list[str], what: str) -> dict:
    """Write the weights of pickled files of `source` as safetensors into `target`.

    What was converted, for the manifest: SHA-256 by name. Raises InputError, naming `what`, for a
    file that holds anything but tensors; then nothing of it was run.
    """
    done = subprocess.run(
        [sys.executable, "-I", PROGRAM, source, target, *names],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise InputError(
            f"{what}: its pickled weights are not plain tensors ({lines[-1]}); take a model with "
            "*.safetensors"
        )
    print(f"{what}: {len(names)} pickled files converted to safetensors", flush=True)
    return {"converted": {name: sha256_file(source / name) for name in names}}
