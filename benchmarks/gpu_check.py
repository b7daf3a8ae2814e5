"""One prepared check on a GPU: does CUDA give what the CPU gives, and how fast is it at 8B shapes?

    python benchmarks/gpu_check.py --out gpu.json           # two minutes on one H100
    python benchmarks/gpu_check.py --out gpu.json --tiny    # plumbing only, on a CPU: 15 seconds

Needs torch, transformers, safetensors, accelerate; no network, no model files: everything is
random. Its figures stand in docs/speed.md.
"""

# ruff: noqa: E402 (the library is found through sys.path)

import argparse
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

import torch
import transformers
from gpu import same_as_cpu, speed
from gpu.rows import Bench

CHECKS = [
    same_as_cpu.check_selection,
    same_as_cpu.check_small,
    same_as_cpu.check_sequential,
    speed.check_masks,
    speed.check_passes,
    speed.check_precision,
    speed.check_hessian,
    speed.check_block,
    speed.check_harness_memory,
]


def main() -> None:
    """Run every check; one that fails is a row and does not end the others."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--only", nargs="*", help="names of checks")
    options = parser.parse_args()
    bench = Bench(options.out, options.tiny)
    card = torch.cuda.get_device_name() if bench.cuda else "cpu"
    versions = f"{torch.__version__}, {transformers.__version__}, {card}"
    bench.row("torch, transformers, device", versions)
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for check in CHECKS:
            if options.only and check.__name__ not in options.only:
                continue
            try:
                check(bench, Path(temporary))
            except Exception:
                last = traceback.format_exc().strip().splitlines()[-1]
                bench.row(check.__name__, last[:200], "", False)
                traceback.print_exc()
            bench.free()
    said = {str(w.message).splitlines()[0][:110] for w in seen if "determin" in str(w.message)}
    bench.row("operations without a deterministic kernel", sorted(said) or "none", "none", not said)
    failed = [row["name"] for row in bench.rows if row["passed"] is False]
    print(f"{len(bench.rows)} rows, {len(failed)} failed: {failed}")


main()
