"""Command lines of the scripts, from fetching a tiny model to its perplexity, and their inputs."""

import json
from pathlib import Path

import numpy as np
from script_calls import call
from tiny import write_llama

from multiprune.files.json import write_json_lines
from multiprune.files.manifests import write_manifest
from multiprune.files.tensors import write_tensors


def fetching(own: Path) -> list:
    """The command line that makes own/ the model models/tiny."""
    definition = json.dumps({"kind": "local", "folder": str(own)})
    models = own.parent / "models"
    lock = own.parent / "lock.yaml"
    return ["--definition", definition, "--manifest", models / "tiny/manifest.json", "--lock", lock]


def fetched(own: Path) -> Path:
    """The folder of the model, once it has been made."""
    code, lines = call("fetch_model", *fetching(own))
    assert code == 0, lines
    return own.parent / "models/tiny"


def sampling(model: Path, text: Path, output: Path) -> list:
    options = ["--model", model, "--text", text, "--name", "en", "--samples", 4, "--length", 16]
    return [*options, "--start-token", "count", "--seed", 0, "--output", output]


def collecting(model: Path, windows: Path, output: Path) -> list:
    options = ["--model", model, "--windows", windows, "--dtype", "auto", "--batch-tokens", 64]
    thresholds = ["--activation-threshold", 1.0, "--activation-thresholds", 1.0]
    return [*options, *thresholds, "--threads", 1, "--output", output]


def pruning(model: Path, output: Path, method: dict, *statistics: Path) -> list:
    options = ["--model", model, "--name", "wanda", "--method", json.dumps(method)]
    if statistics:
        options += ["--statistics", *statistics]
    return [*options, "--sparsity", 0.5, "--threads", 1, "--output", output]


def evaluating(model: Path, mask: Path, output: Path) -> list:
    options = ["--model", model, "--dtype", "auto", "--mask", mask, "--method", "wanda"]
    options += ["--seed", 0, "--sparsity", 0.5, "--threads", 1, "--cache", output.parent / "cache"]
    options += ["--corpora", output.parent, "--languages", '{"en": "own"}', "--split", "test"]
    return [*options, "--length", 16, "--batch-tokens", 64, "--output", output]


def write_windows(path: Path, ids: object = range(64), **metadata: str) -> Path:
    """Windows of 16 tokens."""
    write_tensors(path, {"input_ids": np.array(ids, np.int32).reshape(-1, 16)}, metadata)
    return path


def write_text(folder: Path) -> Path:
    """The calibration split of a corpus."""
    rows = [{"id": f"p{number}", "text": f"all human beings {number}"} for number in range(20)]
    write_json_lines(folder / "calibration.jsonl", rows)
    write_manifest(folder, {"kind": "text"})
    return folder / "calibration.jsonl"


def write_statistics_of_two(folder: Path) -> Path:
    """The statistics `en` and `de` of the sound model models/tiny, all in one folder."""
    model = fetched(write_llama(folder / "own"))
    for name, first in (("en", 0), ("de", 100)):
        windows = write_windows(folder / f"{name}.windows", range(first, first + 64))
        assert call("collect_statistics", *collecting(model, windows, folder / name)) == (0, [])
    return folder
