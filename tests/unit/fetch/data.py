"""Definitions of corpora, and the fetch scripts as they are called."""

import os
import subprocess
import sys
from pathlib import Path

from patience import patience

SCRIPTS = Path(__file__).parents[3] / "scripts"


def run(script, *arguments, **environment):
    """Run a script; returns (exit code, lines on stderr)."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, *map(str, arguments)],
        env=os.environ | {"HF_HUB_OFFLINE": "0"} | environment,
        capture_output=True,
        text=True,
        timeout=patience(180),
    )
    return done.returncode, done.stderr.strip().splitlines()


def hub_corpus(dataset):
    splits = {"calibration": "train", "validation": "train", "test": "test"}
    return {
        "kind": "huggingface",
        "dataset": dataset,
        "revision": "main",
        "column": "sentence",
        "splits": splits,
        "rows": 14,
    }


def write_files(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder
