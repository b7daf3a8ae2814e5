"""What the k-th calibration language costs: statistics of its own, and a mask of all k.

Timed are whole runs of `collect_statistics.py` (loading the model, the pass, writing) and
`prune_model.py`, within one process. More languages than the demo has windows of are its windows
over again under other names: what is measured is time, which depends on the number of tokens alone.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from pruning_speed import run_script
from scipy.stats import theilslopes
from timing import Row, seconds

import collect_statistics
import prune_model
from multiprune.figures import style

LANGUAGES = 12
ROUNDS = 3
THREADS = 2
METHOD = {
    "score": "wanda",
    "scope": "row",
    "pattern": "unstructured",
    "norm": {"kind": "pooled", "weighting": "tokens"},
    "allocation": {"kind": "uniform"},
}


@dataclass(frozen=True)
class Times:
    """Seconds by number of languages, [rounds, LANGUAGES]: the last one's statistics, the mask."""

    statistics: np.ndarray
    masks: np.ndarray

    @property
    def of_language(self) -> np.ndarray:
        """Median over rounds of the k-th language's statistics, [LANGUAGES]."""
        return np.median(self.statistics, axis=0)

    @property
    def of_mask(self) -> np.ndarray:
        """Median over rounds of the mask of k languages, [LANGUAGES]."""
        return np.median(self.masks, axis=0)


def measure(model_folder: Path, windows: dict[str, Path], folder: Path) -> Times:
    """Grow from no language to LANGUAGES, ROUNDS times, after one run that warms up."""
    files = [*windows.values()]
    statistics, masks = np.zeros((2, ROUNDS, LANGUAGES))
    _collect(model_folder, files[0], folder / "warm-up/a.safetensors")
    for number in range(ROUNDS):
        known = folder / f"round-{number}"
        for k in range(LANGUAGES):
            output = known / f"language-{k:02}.safetensors"
            own = files[k % len(files)]
            statistics[number, k] = seconds(lambda f=own, o=output: _collect(model_folder, f, o))
            paths = sorted(known.iterdir())
            mask = folder / "mask.safetensors"
            masks[number, k] = seconds(lambda p=paths, m=mask: _prune(model_folder, p, m))
        shutil.rmtree(known)
    return Times(statistics, masks)


def language_rows(times: Times) -> list[Row]:
    """Whether a language's cost grows with the number of languages before it."""
    return [
        Row("statistics of a language, seconds", float(times.of_language.mean())),
        Row(
            "statistics of a language, change from 1st to 12th / mean",
            change(times.of_language),
            0.25,
        ),
        Row("mask of 12 languages / mask of one, seconds", times.of_mask[-1] / times.of_mask[0]),
    ]


def change(values: np.ndarray) -> float:
    """|slope| of values over their index times their number, as a share of their mean.

    The slope is the median of those between any two values (Theil and Sen): one disturbed
    measurement does not decide.
    """
    slope = theilslopes(values, np.arange(len(values))).slope
    return float(abs(slope) * len(values) / values.mean())


def draw(times: Times) -> Figure:
    """Seconds against number of languages: all statistics so far, and what the last one added."""
    with rc_context(style.SETTINGS):
        figure = style.new_figure(7.2, 3.1)
        left, right = figure.subplots(1, 2)
        languages = np.arange(1, LANGUAGES + 1)
        _lines(left, languages, times.statistics.cumsum(axis=1), "statistics of all k languages", 0)
        even = times.of_language.mean() * languages
        left.plot(languages, even, "--", color=style.REFERENCE, lw=1, label="k times the mean")
        left.set_ylabel("Seconds, all languages so far")
        _lines(right, languages, times.statistics, "statistics of the k-th language", 0)
        _lines(right, languages, times.masks, "mask of all k languages", 1)
        right.set_ylabel("Seconds")
        for axes in (left, right):
            axes.set_xlabel("Number of calibration languages k")
            axes.xaxis.set_major_locator(MultipleLocator(2))
            axes.set_ylim(bottom=0)
            axes.grid(axis="y")
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
            sns.despine(ax=axes)
        return figure


def _lines(axes: Axes, x: np.ndarray, rounds: np.ndarray, label: str, colour: int) -> None:
    # The median of the rounds as a line, their range as a band.
    options = {"color": style.PALETTE[colour], "markersize": 4, "linewidth": 1.4}
    middle = np.median(rounds, axis=0)
    axes.plot(x, middle, marker=style.MARKERS[colour], label=label, **options)
    axes.fill_between(
        x, rounds.min(axis=0), rounds.max(axis=0), color=options["color"], alpha=0.2, linewidth=0
    )


def _collect(model_folder: Path, windows: Path, output: Path) -> None:
    options = {
        "model": model_folder,
        "dtype": "auto",
        "windows": windows,
        "batch-tokens": 2048,
        "activation-threshold": 1.0,
        "threads": THREADS,
        "output": output,
    }
    run_script(collect_statistics.main, options)


def _prune(model_folder: Path, statistics: list[Path], output: Path) -> None:
    options = {
        "model": model_folder,
        "statistics": statistics,
        "name": "wanda",
        "method": json.dumps(METHOD),
        "sparsity": 0.5,
        "threads": THREADS,
        "output": output,
    }
    run_script(prune_model.main, options)
