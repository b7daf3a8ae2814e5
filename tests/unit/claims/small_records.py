"""Records of two methods in four languages, with numbers to compute from by hand, and claims."""

import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from multiprune.claims.measurements import Measurements
from multiprune.claims.reading import read_claims
from multiprune.experiment.grid import Grid
from multiprune.files.json import write_json
from unit.claims.judged import verdict_on

CLAIMS = Path(__file__).parents[3] / "config" / "claims.yaml"
ENTRY = {
    "paper": "m-wanda", "statement": "It helps.", "source": "abstract",
    "measurement": {"kind": "perplexity_ratio", "method": "new", "reference": "wanda"},
    "threshold": 1, "threshold_note": "any gain", "direction": "below",
    "scope": {"sparsity": 0.5}, "paper_source": "not read",
}  # fmt: skip
LANGUAGES = ("de", "en", "fr", "sw")


def claims_of(folder, **entries):
    path = folder / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": entries}))
    return read_claims(path)


def claim_of(folder, **changes):
    return claims_of(folder, it=ENTRY | changes)[0]


def measured(kind, **options):
    return {"kind": kind, "method": "new", "reference": "wanda"} | options


def grid_of(downstream=True, seeds=(0, 1)) -> Grid:
    run = {"seeds": list(seeds), "sparsities": ["0.3", "0.5"], "calibration": ["en", "fr"]}
    dense = {"seeds": [0], "sparsities": ["0"], "calibration": []}
    methods = {"dense": dense, "wanda": run, "new": run}
    tasks = {
        "parallel_cloze": {"languages": ["en", "fr", "sw"], "missing": {}},
        "lambada": {"languages": ["en", "fr"], "missing": {}},
    }
    content = {
        "seeds": list(seeds), "baseline": "wanda", "methods": methods, "split": "test",
        "length": 20, "resampling": {"draws": 300, "confidence": 0.95},
        "languages": {
            name: {"role": "unseen" if name == "sw" else "calibration"} for name in LANGUAGES
        },
        "downstream": {"reference": "en", "methods": methods, "tasks": tasks} if downstream else {},
    }  # fmt: skip
    return Grid.of(deepcopy(content))


LOSS = {"dense": 2.0, "wanda": 2.5, "new": 2.4}  # nats per token
TOKENS = [10, 10, 20, 5]


def write_perplexity(results, grid, windows=TOKENS):
    for method, settings in grid.methods.items():
        for seed in settings["seeds"]:
            for sparsity in settings["sparsities"]:
                for language in LANGUAGES:
                    better = 0.1 if (method, language) == ("new", "sw") else 0
                    loss = LOSS[method] - better + 0.5 * float(sparsity)
                    content = {
                        "split": "test", "length": 20, "bits_per_byte": 1.0, "unknown_tokens": 0,
                        "window_nll": [loss * count for count in windows],
                        "window_tokens": windows,
                    }  # fmt: skip
                    folder = results / f"m/seed{seed}/perplexity/{method}/{sparsity}"
                    write_json(folder / f"{language}.json", content)


RIGHT = {"dense": [1, 1, 1, 1, 0], "wanda": [1, 0, 0, 1, 0], "new": [1, 1, 0, 1, 0]}
# ranks of three choices in en, and in the others: wanda turns them round
ORDER = {"dense": (1, 2, 3), "wanda": (3, 2, 1), "new": (1, 2, 3)}


def write_downstream(results, grid):
    for method, settings in grid.methods.items():
        for seed in settings["seeds"]:
            for sparsity in settings["sparsities"]:
                for task, entry in grid.downstream["tasks"].items():
                    for language in entry["languages"]:
                        likelihoods = [(1, 2, 3) if language == "en" else ORDER[method]] * 5
                        content = {
                            "chance": None, "truncated": 0,
                            "metrics": {"acc": {"score": np.mean(RIGHT[method]), "stderr": 0.1}},
                            "samples": {
                                "id": ["a", "b", "c", "d", "e"], "target": [0] * 5,
                                "correct": {"acc": RIGHT[method]},
                                "log_likelihoods": None if task == "lambada" else likelihoods,
                            },
                        }  # fmt: skip
                        folder = results / f"m/seed{seed}/downstream/{method}/{sparsity}/{task}"
                        write_json(folder / f"{language}.json", content)


def write_benchmarks(results, grid, seconds=None, memory=100.0, rules=None):
    for method in ("wanda", "new"):
        rule = (rules or {}).get(method, "prune_model")
        for seed in grid.seeds:
            for sparsity in grid.methods[method]["sparsities"]:
                cost = (seconds or {"wanda": 10.0, "new": 16.0})[method]
                path = results / f"benchmarks/{rule}/m/seed{seed}/{method}/{sparsity}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({"s": cost, "max_rss": 50.0}) + "\n")
            for language in grid.methods[method]["calibration"]:
                path = results / f"benchmarks/collect_statistics/m/seed{seed}/{language}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({"s": 25.0, "max_rss": memory}) + "\n")


def judged(results, grid, claim) -> pd.Series:
    return verdict_on(claim, Measurements(results, "m", grid))
