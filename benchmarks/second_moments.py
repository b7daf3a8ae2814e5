"""Exchanges of weights beside SparseGPT, on the same second moments of the widest 8B matrix.

Each prunes one random matrix of Llama-3-8B's shape in a process of its own, so that the memory
measured is its own: `python benchmarks/second_moments.py swaps`.
"""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import torch
from cluster import measured
from timing import Row

from multiprune.pruning.exchanges import exchange
from multiprune.pruning.patterns import keep_in_scope
from multiprune.pruning.sequential import sparsegpt
from multiprune.pruning.sequential.hessian import InputHessian

ROWS, COLUMNS = 4096, 14336  # mlp.down_proj
TOKENS, DIRECTIONS = 2048, 256  # inputs vary along a few directions, and a little along all
SPARSITY, SWEEPS = 0.5, 15  # of the config's defaults
NOTHING = "nothing"


def second_moment_rows(folder: Path) -> list[Row]:
    """Time and peak memory of exchanges as shares of SparseGPT's.

    Time is that behind what both need: starting Python, the weight and its second moments.
    """
    took = {name: _measured(name, folder / f"{name}.json") for name in (*METHODS, NOTHING)}
    seconds = {name: took[name]["seconds"] - took[NOTHING]["seconds"] for name in METHODS}
    peak = {name: took[name]["gibibytes"] for name in METHODS}
    what = "8B shapes, widest matrix"
    return [
        Row(f"{what}, SparseGPT, seconds", seconds["sparsegpt"]),
        Row(f"{what}, swaps / SparseGPT, time", seconds["swaps"] / seconds["sparsegpt"], 3.0),
        Row(f"{what}, SparseGPT, peak GiB", peak["sparsegpt"]),
        Row(f"{what}, swaps / SparseGPT, peak memory", peak["swaps"] / peak["sparsegpt"], 1.0),
    ]


def _measured(name: str, report: Path) -> dict[str, float]:
    command = [sys.executable, measured.__file__, report, sys.executable, __file__, name]
    subprocess.run([*map(str, command)], check=True)
    return json.loads(report.read_text(encoding="utf-8"))


def problem() -> tuple[torch.Tensor, InputHessian]:
    """A weight [ROWS, COLUMNS], bfloat16, and the second moments of its inputs."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(TOKENS, DIRECTIONS, generator=draw)
    inputs = inputs @ torch.randn(DIRECTIONS, COLUMNS, generator=draw) / DIRECTIONS**0.5
    hessian = InputHessian(COLUMNS)
    hessian.update(inputs + torch.randn(TOKENS, COLUMNS, generator=draw))
    return torch.randn(ROWS, COLUMNS, generator=draw).to(torch.bfloat16), hessian


def by_swaps(weight: torch.Tensor, hessian: InputHessian) -> None:
    """Exchange weights behind Wanda's mask, in single precision."""
    weight, moments = weight.float(), hessian.matrix.float()
    keep = keep_in_scope(weight.abs() * moments.diagonal().sqrt(), SPARSITY, "row")
    exchange(weight, keep, moments, SWEEPS)


def by_sparsegpt(weight: torch.Tensor, hessian: InputHessian) -> None:
    """Factor the second moments, and drop weights from column to column."""
    sparsegpt.prune_with(weight, sparsegpt.inverse_factor(hessian.matrix), SPARSITY)


METHODS = {"swaps": by_swaps, "sparsegpt": by_sparsegpt}

if __name__ == "__main__":
    made = problem()
    if sys.argv[1] != NOTHING:
        METHODS[sys.argv[1]](*made)
