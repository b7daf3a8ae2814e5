"""Models, windows and command lines for the tests of sequential pruning."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from patience import patience
from safetensors.torch import load_file, save_file

import prune_sequentially
from multiprune.calibration.windows import Windows
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import checked_fingerprint, write_manifest
from multiprune.files.tensors import read_tensors, write_tensors
from multiprune.models.architectures import architecture_of
from multiprune.models.loading import load_model
from multiprune.statistics.files import COUNTED, write_statistics
from multiprune.statistics.passes import collect
from unit.pruning.data import COUNTS, CROSS, CWL, OWL, WANDA

SPARSEGPT = {
    "score": "sparsegpt",
    "block_size": 12,
    "damping": 0.02,
    "pattern": "unstructured",
    "propagation": "sequential",
    "allocation": {"kind": "uniform"},
}
SWAPS = {
    "kind": "swaps",
    "objective": "mean",
    "sweeps": 6,
    "temperature": 0.02,
    "relative_to": "start",
}
LSA = {"kind": "lsa", "strength": 0.08}
METHODS = {
    "wanda": WANDA,
    "ria": {**WANDA, "score": "ria", "ria_exponent": 0.5},
    "owl": {**WANDA, "allocation": OWL},
    "m-wanda": {**WANDA, "norm": CROSS, "allocation": CWL},
    "m-wanda-tau": {**WANDA, "norm": {**CROSS, "activation_threshold": 0.5}, "allocation": OWL},
    "contrast": {**WANDA, "norm": {"kind": "contrast"}},
    "wanda-2-4": {**WANDA, "pattern": "2:4"},
    "lsa": {**WANDA, "allocation": LSA},
    "lsa-contrast": {**WANDA, "norm": {"kind": "contrast"}, "allocation": LSA},
    "swaps": {**WANDA, "refine": SWAPS},
    "swaps-2-4": {**WANDA, "pattern": "2:4", "refine": SWAPS},
    "swaps-worst": {**WANDA, "refine": SWAPS | {"objective": "worst_language"}},
    "swaps-soft": {**WANDA, "norm": CROSS, "refine": SWAPS | {"objective": "soft_maximum"}},
    "swaps-contrast": {**WANDA, "norm": {"kind": "contrast"}, "refine": SWAPS},
    "sparsegpt": SPARSEGPT,
    "sparsegpt-2-4": {**SPARSEGPT, "pattern": "2:4"},
    "contrast-owl": {**WANDA, "norm": {"kind": "contrast"}, "allocation": OWL},
}
SETS = {"de": (0, 5), "en": (70, 3), "fr-en": (140, 4), "code": (30, 3)}  # first token, windows
LENGTH = 12


def with_windows(folder: Path) -> Path:
    """A model folder with its manifest, and windows and dense statistics of four sets beside it.

    The sets use other tokens and fr-en has windows of unequal length.
    """
    write_manifest(folder / "model", {})
    model = load_model(folder / "model")
    draw = np.random.default_rng(3)
    for name, (first, samples) in SETS.items():
        ids = draw.integers(first, first + 100, (samples, LENGTH)).astype(np.int32)
        tensors, lengths = {"input_ids": ids}, np.full(samples, LENGTH)
        if name == "fr-en":
            # Behind 3 tokens a sliding window comes to hold nothing but padding.
            lengths = tensors["lengths"] = np.array([12, 3, 9, 7])
        windows = folder / f"windows/{name}.safetensors"
        write_tensors(windows, tensors, {})
        sums = collect(model, Windows(ids, lengths), architecture_of(folder / "model"), 48, COUNTS)
        provenance = {
            "model": checked_fingerprint(folder / "model"),
            "activation_threshold": "1.0",
            COUNTED: "[0.5, 1.0]",
            "windows": sha256_file(windows),
        }
        write_statistics(
            folder / f"statistics/{name}.safetensors",
            {module_input: total.arrays() for module_input, total in sums.items()},
            int(lengths.sum()),
            provenance,
        )
    return folder


def overflow(model: Path) -> None:
    """Make the activations of the first block of a BLOOM infinite, its manifest renewed."""
    path = model / "model.safetensors"
    tensors = load_file(path)
    tensors["h.0.input_layernorm.bias"][3] = torch.inf
    save_file(tensors, path, metadata={"format": "pt"})
    write_manifest(model, {})


def calibration_files(folder: Path, kind: str) -> list[str]:
    return [str(folder / kind / f"{name}.safetensors") for name in SETS if name != "code"]


def arguments(folder: Path, output: Path, name: str, sparsity: float = 0.5, **changes) -> list[str]:
    method = METHODS[name]
    options = {
        "model": [str(folder / "model")],
        "dtype": ["auto"],
        "windows": calibration_files(folder, "windows"),
        "name": [name],
        "method": [json.dumps(method)],
        "sparsity": [str(sparsity)],
        "batch-tokens": ["48"],
        "activation-threshold": ["1.0"],
        "activation-memory-mb": ["1000"],
        "threads": ["1"],
        "progress": [f"{output}.progress"],
        "output": [str(output)],
    }
    adaptive = method["allocation"]["kind"] not in ("uniform", "lsa")
    if adaptive:
        options["statistics"] = calibration_files(folder, "statistics")
    if method.get("norm") == {"kind": "contrast"}:
        options["contrast-windows"] = [str(folder / "windows/code.safetensors")]
        if adaptive:
            options["contrast-statistics"] = [str(folder / "statistics/code.safetensors")]
    options |= {key.replace("_", "-"): value for key, value in changes.items()}
    flags = [word for key, values in options.items() for word in (f"--{key}", *values)]
    return ["prune_sequentially.py", *flags]


def prune(monkeypatch, folder: Path, output: Path, name: str, *positional, **changes) -> Path:
    words = arguments(folder, output, name, *positional, **changes)
    monkeypatch.setattr("sys.argv", words)
    prune_sequentially.main()
    return output


def samples_of(folder: Path, name: str) -> list[torch.Tensor]:
    """The token ids of each window, without padding."""
    tensors = read_tensors(folder / f"windows/{name}.safetensors")[0]
    lengths = tensors.get("lengths", [LENGTH] * len(tensors["input_ids"]))
    pairs = zip(tensors["input_ids"], lengths, strict=True)
    return [torch.from_numpy(ids[:length]).long() for ids, length in pairs]


# Dies when the third block is to be kept, before it is or behind it.
KILLED = """
import os, signal, sys
import prune_sequentially
replace = os.replace

def replace_or_die(source, target):
    if str(target).endswith("block-00002.safetensors"):
        {before}os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)

os.replace = replace_or_die
prune_sequentially.main()
"""


def run(words: list[str], code: str | None = None) -> subprocess.CompletedProcess:
    """The script in a process of its own; `code` runs in its stead."""
    start = words[:1] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *start, *words[1:]],
        cwd=Path(prune_sequentially.__file__).parent,
        env=os.environ | {"PYTHONPATH": "."}, capture_output=True, text=True, timeout=patience(360),
    )  # fmt: skip
