"""What a hundred calibration languages cost a mask beyond six: seconds and peak memory.

Random bfloat16 weights at the shapes of the demo's model and random statistics; embeddings and
output head play no part in pruning and are left out. `prune_model.py` runs as a process of its own,
and the two numbers of languages take turns.

The allocator is told to give every large array back: what it keeps of those that are freed differs
from run to run, by more than the weights take, and would hide what is measured.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import yaml
from cluster import measured
from large_shapes import SHARED
from safetensors.torch import save_file
from timing import Row

from multiprune.experiment import config as experiment
from multiprune.files.json import write_json
from multiprune.files.manifests import checked_fingerprint, write_manifest
from multiprune.statistics.files import ModuleInput, write_statistics

ROOT = Path(__file__).parents[1]
BLOCKS, HIDDEN, NEURONS, KEYS = 30, 576, 1536, 192  # 3 heads of 64 for keys and values
SHAPES = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEYS, HIDDEN),
    "self_attn.v_proj": (KEYS, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (NEURONS, HIDDEN),
    "mlp.up_proj": (NEURONS, HIDDEN),
    "mlp.down_proj": (HIDDEN, NEURONS),
}
FEW, MANY = 6, 100
METHODS = ("wanda", "m-wanda")
ROUNDS = 3
SPARSITY, THREADS, TOKENS = 0.5, 2, 1024


def language_count_rows(
    folder: Path, blocks: int = BLOCKS, few: int = FEW, many: int = MANY, rounds: int = ROUNDS
) -> list[Row]:
    """Time and memory of a mask of many languages / of few, by Wanda and by M-Wanda.

    Ratios are medians over rounds, after one that warms up. Needs 0.6 GB of disk in `folder`.
    """
    model = write_model(folder, blocks)
    files = write_languages(folder, model, blocks, many)
    rows = []
    for method in METHODS:
        runs = [
            [prune(folder, model, method, files[:count]) for count in (few, many)]
            for _ in range(rounds + 1)
        ]
        for what, key, bar in (("seconds", "seconds", 1.5), ("peak GiB", "gibibytes", 1.05)):
            pairs = [[cost[key] for cost in pair] for pair in runs[1:]]
            less, more = (statistics.median(side) for side in zip(*pairs, strict=True))
            ratio = statistics.median(larger / smaller for smaller, larger in pairs)
            rows += [
                Row(f"{method}, mask of {few} languages, {what}", less),
                Row(f"{method}, mask of {many} languages, {what}", more),
                Row(f"{method}, mask of {many} / {few} languages, {what}", ratio, bar),
            ]
    return rows


def write_model(folder: Path, blocks: int) -> Path:
    """A Llama of so many decoder blocks with random weights, and its manifest."""
    model, draw = folder / "model", torch.Generator().manual_seed(0)
    model.mkdir()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    config |= {"hidden_size": HIDDEN, "intermediate_size": NEURONS, "num_hidden_layers": blocks}
    write_json(model / "config.json", config)
    tensors = {
        f"model.layers.{block}.{name}.weight": torch.randn(shape, generator=draw).bfloat16()
        for block in range(blocks)
        for name, shape in SHAPES.items()
    }
    save_file(tensors, model / "model.safetensors")
    write_manifest(model, {})
    return model


def write_languages(folder: Path, model: Path, blocks: int, count: int) -> list[Path]:
    """Random statistics of so many languages, as `collect_statistics.py` lays them out."""
    draw = np.random.default_rng(0)
    provenance = {"model": checked_fingerprint(model), "activation_threshold": "1.0"}
    paths = [folder / f"statistics/l{number:03}.safetensors" for number in range(count)]
    for path in paths:
        write_statistics(path, _sums(draw, blocks), TOKENS, provenance)
    return paths


def prune(folder: Path, model: Path, method: str, files: list[Path]) -> dict[str, float]:
    """Seconds and peak GiB of `prune_model.py` by a method of the experiment hundred."""
    report = folder / "report.json"
    hundred = yaml.safe_load((ROOT / "config/hundred.yaml").read_text(encoding="utf-8"))
    settings = experiment.method_options(experiment.validate(hundred), method)
    command = [
        *(sys.executable, measured.__file__, report),
        *(sys.executable, ROOT / "scripts/prune_model.py", "--model", model),
        *("--statistics", *files, "--name", method, "--method", json.dumps(settings)),
        *("--sparsity", SPARSITY, "--threads", THREADS, "--output", folder / "mask.safetensors"),
    ]
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(2**16)}
    run = subprocess.run(
        [*map(str, command)], env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(f"prune_model.py ended with {run.returncode}:\n{run.stderr}")
    return json.loads(report.read_text())


def _sums(draw: np.random.Generator, blocks: int) -> dict[ModuleInput, dict[str, np.ndarray]]:
    sums = {}
    for block in range(blocks):
        for names in SHARED:
            members = tuple(f"model.layers.{block}.{name}.weight" for name in names)
            module_input = ModuleInput(members[0].removesuffix(".weight"), block, members)
            squares = TOKENS * draw.chisquare(1, SHAPES[names[0]][1])
            sums[module_input] = {"sum_sq": squares}
    return sums
