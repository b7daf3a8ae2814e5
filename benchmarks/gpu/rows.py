"""How the check on a GPU measures, and the rows that it writes as it goes."""

import gc
import json
import time
from pathlib import Path

import numpy as np
import torch

from multiprune.models.devices import set_up

TINY_SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
}
SIZES = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}


def relative(found, expected) -> float:
    """Norm of the difference over the norm of what is expected."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-30))


class Bench:
    """The device, the sizes, and the rows found so far; `out` is written after each of them."""

    def __init__(self, out: Path, tiny: bool) -> None:
        self.out, self.tiny = out, tiny
        self.device = set_up(1 if tiny else 8)  # deterministic kernels, as jobs have them
        self.cuda = self.device.type == "cuda"
        self.sizes, self.length = (TINY_SIZES, 32) if tiny else (SIZES, 2048)
        self.rows: list[dict] = []
        self.began = time.time()

    def row(self, name, value, bar="", passed=None) -> None:
        """Print and keep a value; `passed` is None where nothing is required of it."""
        self.rows.append({"name": name, "value": value, "bar": bar, "passed": passed})
        mark = {True: "ok  ", False: "FAIL", None: "    "}[passed]
        print(f"{time.time() - self.began:6.0f} s {mark} {name}: {value} {bar}", flush=True)
        self.out.write_text(json.dumps(self.rows, indent=1))

    def _wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()

    def timed(self, function, repeats=3) -> tuple[float, float]:
        """Median seconds and peak GiB; the first call warms up."""
        function()
        self._wait()
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            function()
            self._wait()
            seconds.append(time.perf_counter() - start)
        peak = torch.cuda.max_memory_allocated() / 2**30 if self.cuda else 0.0
        return sorted(seconds)[len(seconds) // 2], peak

    def free(self) -> None:
        """Give unused memory back to the device."""
        gc.collect()
        if self.cuda:
            torch.cuda.empty_cache()
