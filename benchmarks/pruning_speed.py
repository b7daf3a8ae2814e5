"""How fast masks are made, against the published procedure (baseline.py) on the same windows.

Both sides run within this process, so that nobody's start of Python counts: of the baseline,
`prune` from loading the model to saving it; of this project, `main` of the very scripts that the
rules call, with all their reading, checking, hashing and writing. Both have two threads.
"""

import contextlib
import io
import json
import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import baseline
import torch
import yaml
from timing import Row, seconds

import collect_statistics
import prune_model
import prune_sequentially
from multiprune.experiment import methods
from multiprune.experiment.validation import validate
from multiprune.files.tensors import read_tensors
from multiprune.pruning.files import read_mask
from multiprune.pruning.masks import unpack

ROOT = Path(__file__).parents[1]
METHODS = ("magnitude", "wanda", "ria", "owl", "m-wanda")  # of config/demo-smollm2.yaml
SPARSITIES = ("0.3", "0.5", "0.6")
SINGLE = ("wanda", "0.5")
ROUNDS = 3
THREADS = 2
# Rounding decides between scores that are all but equal. Where it once decides otherwise, later
# blocks see slightly other activations and differ more, so the first block that differs tells most.
ALIKE, ALIKE_AT_FIRST = 0.995, 0.9999


class Pruning:
    """The two sides on one model and its calibration windows; all files go below `folder`."""

    def __init__(self, model_folder: Path, windows: dict[str, Path], folder: Path):
        """`windows` names the file of each calibration language."""
        self._model = model_folder
        self._windows = windows
        self._folder = folder
        demo = yaml.safe_load((ROOT / "config/demo-smollm2.yaml").read_text(encoding="utf-8"))
        self._experiment = validate(demo)
        self._tokens = {
            language: torch.from_numpy(read_tensors(path)[0]["input_ids"]).long()
            for language, path in windows.items()
        }

    def baseline(self, method: str, sparsity: str) -> baseline.Masks:
        """The published procedure; what was dropped, by parameter name."""
        options = methods.method_options(self._experiment, method)
        output = self._folder / "baseline"  # over the model before
        torch.use_deterministic_algorithms(False)  # only this project's scripts ask for them
        return baseline.prune(self._model, self._tokens, options, float(sparsity), output)

    def collect(self) -> None:
        """Dense statistics of every language."""
        for language, windows in self._windows.items():
            options = self._reading() | {
                "windows": windows,
                "output": self._statistics(language),
            }
            run_script(collect_statistics.main, options)

    def mask(self, method: str, sparsity: str) -> Path:
        """A mask by the dense statistics."""
        output = self._folder / f"masks/{method}/{sparsity}.safetensors"
        options = self._naming(method, sparsity) | {
            "model": self._model,
            "statistics": self._statistics_of(method),
            "threads": THREADS,
            "output": output,
        }
        run_script(prune_model.main, options)
        return output

    def sequential_mask(self, method: str, sparsity: str) -> Path:
        """A mask in sequential mode, of a method whose sparsity is uniform."""
        output = self._folder / f"sequential/{method}/{sparsity}.safetensors"
        options = (
            self._naming(method, sparsity)
            | self._reading()
            | {
                "windows": list(self._windows.values()),
                "activation-memory-mb": 1000 * self._experiment.compute.activation_memory_gb,
                "progress": output.with_suffix(".progress"),
                "output": output,
            }
        )
        run_script(prune_sequentially.main, options)
        return output

    def _naming(self, method: str, sparsity: str) -> dict[str, object]:
        options = json.dumps(methods.method_options(self._experiment, method))
        return {"name": method, "method": options, "sparsity": sparsity}

    def _reading(self) -> dict[str, object]:
        return {
            "model": self._model,
            "dtype": "auto",
            "batch-tokens": self._experiment.compute.batch_tokens,
            "activation-threshold": self._experiment.statistics.activation_threshold,
            "threads": THREADS,
        }

    def _statistics(self, language: str) -> Path:
        return self._folder / f"statistics/{language}.safetensors"

    def _statistics_of(self, method: str) -> list[Path]:
        reads_some = methods.reads_dense_statistics(self._experiment, method)
        return [self._statistics(language) for language in self._windows] if reads_some else []


def grid_rows(model_folder: Path, windows: dict[str, Path], folder: Path) -> list[Row]:
    """Calibration and pruning of the whole grid, five methods at three sparsities.

    The baseline runs once for each method and its time is multiplied by the number of sparsities,
    for it does the same work at each: rows are sorted whole, whatever is dropped of them. All of
    this project's side is run.
    """
    pruning = prepared(model_folder, windows, folder)

    def published() -> None:
        for method in METHODS:
            pruning.baseline(method, SINGLE[1])

    def ours() -> None:
        pruning.collect()
        for method in METHODS:
            for sparsity in SPARSITIES:
                pruning.mask(method, sparsity)

    pruning.baseline("magnitude", SINGLE[1])  # what a process does first takes longer
    pruning.mask("magnitude", SINGLE[1])
    times, own = len(SPARSITIES) * seconds(published), seconds(ours)
    grid = f"{len(METHODS) * len(SPARSITIES)} masks, {len(windows)} languages"
    measured = f"({len(METHODS)} runs, x {len(SPARSITIES)})"
    return [
        Row(f"{grid}: baseline {measured}, s", times),
        Row(f"{grid}: ours, s", own),
        Row(f"{grid}: baseline {measured} / ours", times / own, 10.0, True),
    ]


def single_rows(model_folder: Path, windows: dict[str, Path], folder: Path) -> list[Row]:
    """One method at one sparsity: medians over rounds in which the sides take turns."""
    pruning = prepared(model_folder, windows, folder)
    rounds = [_turn(pruning) for _ in range(ROUNDS)]
    sequential, dense = (
        statistics.median(times[0] / times[side] for times, _alike in rounds) for side in (1, 2)
    )
    alike = min((alike for _times, alike in rounds), key=statistics.mean)
    first = next((share for share in alike if share < 1), 1.0)
    name = " ".join(SINGLE)
    return [
        Row(f"{name}: baseline / sequential mode", sequential, 0.8, True),
        Row(f"{name}: baseline / dense mode", dense, 1.5, True),
        Row(f"{name}: baseline = sequential, share", statistics.mean(alike), ALIKE, True),
        Row(f"{name}: in the first block that differs", first, ALIKE_AT_FIRST, True),
    ]


def _turn(pruning: Pruning) -> tuple[list[float], list[float]]:
    # Seconds of baseline, sequential and dense mode, and the agreement of the first two.
    results = []
    sides = (
        lambda: results.append(pruning.baseline(*SINGLE)),
        lambda: results.append(pruning.sequential_mask(*SINGLE)),
        lambda: (pruning.collect(), pruning.mask(*SINGLE)),
    )
    times = [seconds(side) for side in sides]
    return times, agreement(*results)


def agreement(dropped: baseline.Masks, mask: Path) -> list[float]:
    """Share of each block's weights that the baseline and a mask file both keep or both drop."""
    alike, names = defaultdict(list), []
    for name, packed, shape in read_mask(mask):
        kept = torch.from_numpy(unpack(packed, shape)).bool()
        block = int(name.removeprefix("model.layers.").split(".")[0])
        alike[block].append((int((kept != dropped[name]).sum()), kept.numel()))
        names.append(name)
    if left_out := dropped.keys() - names:
        raise ValueError(f"{mask}: leaves out {', '.join(sorted(left_out))}")
    return [
        sum(same for same, _size in alike[block]) / sum(size for _same, size in alike[block])
        for block in sorted(alike)
    ]


def prepared(model_folder: Path, windows: dict[str, Path], folder: Path) -> Pruning:
    """The two sides, with the threads set that both have."""
    torch.set_num_threads(THREADS)
    return Pruning(model_folder, windows, folder)


def run_script(main: Callable[[], None], options: dict[str, object]) -> None:
    """Call a script's `main` with options as on the command line; what it prints is dropped."""
    words = []
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *map(str, values)]
    with patch("sys.argv", ["script", *words]), contextlib.redirect_stdout(io.StringIO()):
        main()
