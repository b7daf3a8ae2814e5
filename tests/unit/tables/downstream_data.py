"""Synthetic downstream records and tables: seeded, plausible, of any size."""

import math
from copy import deepcopy

import numpy as np
import pandas as pd

from multiprune.evaluation.downstream_runs import Run
from multiprune.experiment.grid import DENSE, Grid
from multiprune.files.json import write_json
from unit.columns import COLUMNS

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fr": "French", "hi": "Hindi", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "pt": "Portuguese", "ru": "Russian", "sw": "Swahili",
    "th": "Thai", "tr": "Turkish", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
UNSEEN = {"bg", "el", "ko", "ru", "sw", "th", "ur"}


def grid_of(tasks, methods, seeds=(0,), sparsities=("0.5",), draws=200, **changes) -> Grid:
    """tasks: name -> languages, or -> {languages, missing}; methods without dense."""
    tasks = {
        task: known if isinstance(known, dict) else {"languages": list(known), "missing": {}}
        for task, known in tasks.items()
    }
    named = {code for known in tasks.values() for code in (*known["languages"], *known["missing"])}
    dense = {"seeds": list(seeds[:1]), "sparsities": ["0"]}
    settings = {
        method: {
            "seeds": list(seeds if method != "magnitude" else seeds[:1]),
            "sparsities": list(sparsities),
        }
        for method in methods
    }
    content = {
        "seeds": list(seeds), "baseline": "wanda", "split": "test", "length": 64,
        "resampling": {"draws": draws, "confidence": 0.95},
        "languages": {
            code: {"role": "unseen" if code in UNSEEN else "calibration", "name": NAMES[code]}
            for code in sorted(named)
        },
        "methods": {
            method: entry | {"calibration": [] if method in (DENSE, "magnitude") else ["en", "fr"]}
            for method, entry in ({DENSE: dense} | settings).items()
        },
        "downstream": {"reference": "en", "methods": {DENSE: dense} | settings, "tasks": tasks},
    }  # fmt: skip
    return Grid.of(deepcopy(content | changes))


def write_record(results, run: Run, task: str, language: str, content: dict) -> None:
    folder = results / f"m/seed{run.seed}/downstream" / run.method / run.sparsity
    write_json(folder / task / f"{language}.json", content)


def record_of(correct: dict, ids=None, target=None, log_likelihoods=None, chance=0.25) -> dict:
    """A record with the fields that tables read; correct: metric -> list of 0 and 1."""
    items = len(next(iter(correct.values())))
    metrics = {
        metric: {
            "score": float(np.mean(marks)),
            "stderr": float(np.std(marks, ddof=1) / math.sqrt(items)) if items > 1 else None,
        }
        for metric, marks in correct.items()
    }
    return {
        "metrics": metrics, "chance": chance, "truncated": 0,
        "samples": {
            "id": ids or [str(index) for index in range(items)], "target": target or [0] * items,
            "log_likelihoods": log_likelihoods,
            "correct": {metric: [int(mark) for mark in marks] for metric, marks in correct.items()},
        },
    }  # fmt: skip


def write_plausible(results, grid: Grid, items: int, choices: int = 4) -> None:
    """Records of every run: hard items are hard everywhere, pruning adds noise to the scores."""
    for run in runs_of(grid):
        damage = 0.0 if run.method == DENSE else 0.8 * float(run.sparsity)
        for number, task in enumerate(sorted(grid.downstream["tasks"])):
            for place, language in enumerate(grid.downstream["tasks"][task]["languages"]):
                content = _plausible(run, number, place, damage, items, choices)
                write_record(results, run, task, language, content)


def _plausible(run: Run, task: int, language: int, damage: float, items: int, choices: int) -> dict:
    shared = np.random.default_rng(task)
    target = shared.integers(choices, size=items)
    own = np.random.default_rng([task, language])
    rng = np.random.default_rng([task, language, run.seed, *run.method.encode()])
    scores = shared.normal(size=(items, choices)) + 0.5 * own.normal(size=(items, choices))
    scores[np.arange(items), target] += 1.2 - 0.08 * language
    scores += damage * (1 + 0.03 * language) * rng.normal(size=scores.shape)
    lengths = shared.integers(3, 9, size=scores.shape)
    correct = {
        "acc": scores.argmax(axis=1) == target,
        "acc_norm": (scores * lengths).argmax(axis=1) == target,
    }
    likelihoods = np.round(scores - 10, 6).tolist()
    return record_of(correct, None, target.tolist(), likelihoods, 1 / choices)


def runs_of(grid: Grid) -> list[Run]:
    return [
        Run(method, sparsity, seed)
        for method, settings in grid.downstream["methods"].items()
        for sparsity in settings["sparsities"]
        for seed in settings["seeds"]
    ]


def perplexity_table(grid: Grid) -> pd.DataFrame:
    """A `perplexity` table whose ratios grow with sparsity and differ by language and method."""
    rows = []
    for run in runs_of(grid):
        for place, language in enumerate(grid.languages):
            rng = np.random.default_rng([place, run.seed, *run.method.encode()])
            log = 0.0
            if run.method != DENSE:
                log = float(run.sparsity) * (1.2 + 0.1 * place + 0.2 * rng.normal())
            ratio = [math.exp(log), math.exp(0.93 * log), math.exp(1.07 * log)]
            key = ["m", run.seed, run.method, float(run.sparsity), language]
            key.append(grid.config_role(language))
            rows.append([*key, 640, 20.0, 1.0, *ratio, *[None] * 3, 0.0, None])
            rows[-1].append(grid.calibrated_on(run.method, language))
    return pd.DataFrame(rows, columns=COLUMNS["perplexity"])
