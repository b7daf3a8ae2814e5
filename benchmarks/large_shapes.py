"""Pruning at the shapes of Llama-3-8B: peak memory, seconds a block, and whether cost is linear.

Random bfloat16 weights, one shard a block, and random statistics; embeddings and output head play
no part in pruning and are left out. `prune_model.py` runs as a process of its own, so that the
memory measured is its own.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import yaml
from cluster import measured
from safetensors.torch import save_file
from timing import Row

from multiprune.experiment import methods
from multiprune.experiment.validation import validate
from multiprune.files.json import write_json
from multiprune.files.manifests import checked_fingerprint, write_manifest
from multiprune.statistics.files import ModuleInput, write_statistics

ROOT = Path(__file__).parents[1]
HIDDEN, NEURONS, KEYS = 4096, 14336, 1024  # 8 heads of 128 for keys and values
SHAPES = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEYS, HIDDEN),
    "self_attn.v_proj": (KEYS, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (NEURONS, HIDDEN),
    "mlp.up_proj": (NEURONS, HIDDEN),
    "mlp.down_proj": (HIDDEN, NEURONS),
}
SHARED = [  # distinct inputs: who reads them, the first by name
    ("self_attn.k_proj", "self_attn.q_proj", "self_attn.v_proj"),
    ("self_attn.o_proj",),
    ("mlp.gate_proj", "mlp.up_proj"),
    ("mlp.down_proj",),
]
BLOCKS = (1, 2, 4)
ALL_BLOCKS = 32
ROUNDS = 3
LANGUAGES = ("ar", "de", "en", "fr", "ru", "zh")
OTHER_METHODS = ("magnitude", "ria", "owl", "m-wanda")
SPARSITY, THREADS, TOKENS = 0.5, 2, 1024


def large_rows(folder: Path) -> list[Row]:
    """Wanda on 1, 2 and 4 blocks for time, every method of the papers on 4 for memory.

    A block costs the difference between models of several sizes, so that starting Python and torch
    does not count. Needs 2 GiB of disk in `folder`.
    """
    write_blocks(folder / "blocks")
    models = {count: write_model(folder, count) for count in BLOCKS}
    runs = {count: [] for count in BLOCKS}
    for _ in range(ROUNDS):
        for count, model in models.items():
            runs[count].append(prune(folder, model, "wanda"))
    time = {count: statistics.median(run["seconds"] for run in runs[count]) for count in BLOCKS}
    peak = {count: max(run["gibibytes"] for run in runs[count]) for count in BLOCKS}
    one, _, four = BLOCKS
    by_block = (time[four] - time[one]) / (four - one)
    growth = (peak[four] - peak[one]) / (four - one)
    rest = ALL_BLOCKS - four
    minutes = (time[four] + rest * by_block) / 60
    others = {method: prune(folder, models[four], method) for method in OTHER_METHODS}
    peaks = {"wanda": peak[four]} | {method: run["gibibytes"] for method, run in others.items()}
    return [
        *(Row(f"8B shapes, {name}, 4 blocks, peak GiB", most, 1.5) for name, most in peaks.items()),
        Row("8B shapes, wanda, 32 blocks, peak GiB (extrapolated)", peak[four] + rest * growth),
        Row("8B shapes, wanda, seconds a block", by_block),
        Row("8B shapes, wanda, 32 blocks, minutes (extrapolated)", minutes),
        Row("8B shapes, block 2 against blocks 3-4, ratio of seconds", unevenness(time), 1.25),
    ]


def unevenness(time: dict[int, float]) -> float:
    """Seconds of a block after the second / of the second or the inverse, whichever is above 1.

    `time` is a model's by its number of blocks. 1 where cost is linear; very large where noise
    hides a block's cost.
    """
    one, two, four = BLOCKS
    shortest = 1e-3  # for a difference that noise turned around
    second = max(time[two] - time[one], shortest)
    later = max((time[four] - time[two]) / (four - two), shortest)
    return max(later / second, second / later)


def write_blocks(folder: Path) -> None:
    """A shard for each block, with one matrix after the other drawn."""
    folder.mkdir(parents=True)
    draw = torch.Generator().manual_seed(0)
    for block in range(max(BLOCKS)):
        weights = {
            f"model.layers.{block}.{name}.weight": torch.randn(*shape, generator=draw).bfloat16()
            for name, shape in SHAPES.items()
        }
        save_file(weights, folder / _shard(block), {"format": "pt"})


def write_model(folder: Path, blocks: int) -> Path:
    """A model folder of the first so many blocks, linked, with statistics of every language."""
    model = folder / f"model-{blocks}"
    model.mkdir()
    for block in range(blocks):
        (model / _shard(block)).symlink_to(folder / "blocks" / _shard(block))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": NEURONS,
        "num_hidden_layers": blocks,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    }
    write_json(model / "config.json", config)
    shards = {
        f"model.layers.{block}.{name}.weight": _shard(block)
        for block in range(blocks)
        for name in SHAPES
    }
    write_json(model / "model.safetensors.index.json", {"metadata": {}, "weight_map": shards})
    write_manifest(model, {})
    draw = np.random.default_rng(0)
    provenance = {"model": checked_fingerprint(model), "activation_threshold": "1.0"}
    for language in LANGUAGES:
        path = _statistics(folder, model, language)
        write_statistics(path, _sums(draw, blocks), TOKENS, provenance)
    return model


def prune(folder: Path, model: Path, method: str) -> dict[str, float]:
    """Seconds and peak GiB of `prune_model.py` by a method of the demo."""
    report = folder / "report.json"
    demo = yaml.safe_load((ROOT / "config/demo-smollm2.yaml").read_text(encoding="utf-8"))
    settings = methods.method_options(validate(demo), method)
    files = [] if method == "magnitude" else [_statistics(folder, model, x) for x in LANGUAGES]
    command = [
        *(sys.executable, measured.__file__, report),
        *(sys.executable, ROOT / "scripts/prune_model.py", "--model", model),
        *("--statistics", *files, "--name", method, "--method", json.dumps(settings)),
        *("--sparsity", SPARSITY, "--threads", THREADS, "--output", folder / "mask.safetensors"),
    ]
    run = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"prune_model.py ended with {run.returncode}:\n{run.stderr}")
    return json.loads(report.read_text())


def _shard(block: int) -> str:
    return f"block-{block:05}.safetensors"


def _statistics(folder: Path, model: Path, language: str) -> Path:
    return folder / f"statistics-{model.name}" / f"{language}.safetensors"


def _sums(draw: np.random.Generator, blocks: int) -> dict[ModuleInput, dict[str, np.ndarray]]:
    sums = {}
    for block in range(blocks):
        for names in SHARED:
            members = tuple(f"model.layers.{block}.{name}.weight" for name in names)
            module_input = ModuleInput(members[0].removesuffix(".weight"), block, members)
            squares = TOKENS * draw.chisquare(1, SHAPES[names[0]][1])
            sums[module_input] = {"sum_sq": squares}
    return sums
