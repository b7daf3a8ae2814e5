"""Records of a small experiment without chance in them, for the claims of config/claims.yaml."""

import json
import math
from pathlib import Path

import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.files.json import write_json
from multiprune.tables.claims import tabulate

CLAIMS = Path(__file__).parents[3] / "config" / "claims.yaml"
ROLES = {"de": "calibration", "en": "calibration", "fr": "calibration", "sw": "unseen"}
SPARSITIES = ["0.3", "0.5", "0.6"]
PAIRS, ALONE = ["en-de", "en-fr"], ["de-de", "fr-fr"]
CALIBRATION = {
    "wanda": ["de", "en", "fr"], "m-wanda": ["de", "en", "fr"],
    "kim-translation": PAIRS, "kim-monolingual": ALONE,
}  # fmt: skip
WANDA = {
    "constants": "published", "off": [], "languages": 3, "tokens": 3072, "at_most": False,
}  # fmt: skip
KIM = WANDA | {"tokens": 4096, "at_most": True}
FACTS = {
    "wanda": WANDA,
    "m-wanda": WANDA | {"constants": "ours", "off": ["activation-probability"]},
    "kim-translation": KIM,
    "kim-monolingual": KIM | {"languages": 2},
}
# Nats a token beyond the dense model, at sparsity 0.5, and how far windows scatter around it.
MORE = {
    "dense": 0.0,
    "wanda": 0.9,
    "m-wanda": 0.96,
    "kim-translation": 0.93,
    "kim-monolingual": 0.92,
}
GAIN = {"0.3": -0.1, "0.5": 0.0, "0.6": 0.01}  # of m-wanda, so that its sparsities disagree
SCATTER = 0.04
TOKENS = [128.0] * 7 + [60.0]
ITEMS = 40
RIGHT = {"dense": 30, "wanda": 24, "kim-translation": 20, "kim-monolingual": 22}  # of the items


def grid_of(languages: dict[str, str] = ROLES, seeds: tuple[int, ...] = (0,)) -> Grid:
    """The grid of `content_of`."""
    return Grid.of(content_of(languages, seeds))


def content_of(languages: dict[str, str] = ROLES, seeds: tuple[int, ...] = (0,)) -> dict:
    """One task in three languages; methods at three sparsities, Kim et al.'s at one."""
    methods = {"dense": {"seeds": [0], "sparsities": ["0"], "calibration": []}}
    for name, sets in CALIBRATION.items():
        several = SPARSITIES if name.endswith("wanda") else ["0.5"]
        methods[name] = {"seeds": list(seeds), "sparsities": several, "calibration": sets}
    evaluated = {name: methods[name] | {"sparsities": ["0.5"]} for name in RIGHT if name != "dense"}
    task = {"kind": "parallel_cloze", "languages": ["de", "en", "fr"], "missing": {}}
    return {
        "seeds": list(seeds), "baseline": "wanda", "split": "test", "length": 128,
        "languages": {name: {"role": role} for name, role in languages.items()},
        "methods": methods, "resampling": {"draws": 400, "confidence": 0.95},
        "downstream": {
            "reference": "en", "tasks": {"parallel_cloze": task},
            "methods": evaluated | {"dense": methods["dense"]},
        },
        "facts": FACTS,
    }  # fmt: skip


def write(results: Path, grid: Grid, more: dict[tuple[str, str], float] | None = None) -> None:
    """All records and benchmarks; more: further nats a token by (method, language)."""
    for method, settings in grid.methods.items():
        for seed in settings["seeds"]:
            for sparsity in settings["sparsities"]:
                folder = results / f"m/seed{seed}/perplexity/{method}/{sparsity}"
                for place, language in enumerate(grid.languages):
                    loss = MORE[method] * (1 + float(sparsity)) / 1.5
                    loss += GAIN.get(sparsity, 0.0) * (method == "m-wanda")
                    loss += (more or {}).get((method, language), 0.0)
                    write_json(folder / f"{language}.json", _losses(method, place, seed, loss))
                if method in RIGHT and sparsity in ("0", "0.5"):
                    _write_answers(results, method, seed, sparsity)
                if method != "dense":
                    _write_benchmarks(results, method, seed, sparsity, settings["calibration"])


def _losses(method: str, place: int, seed: int, loss: float) -> dict:
    """Windows of unlike difficulty; methods scatter apart from each other."""
    shift = sum(method.encode()) + 7 * place + 3 * seed
    nats = [
        (3 + place + math.sin(5 * window) + loss + SCATTER * math.sin(shift + 2.4 * window)) * count
        for window, count in enumerate(TOKENS)
    ]
    return {
        "split": "test", "length": 128, "bits_per_byte": 1.0, "unknown_tokens": 0,
        "window_nll": nats, "window_tokens": TOKENS,
    }  # fmt: skip


def _write_answers(results: Path, method: str, seed: int, sparsity: str) -> None:
    for place, language in enumerate(("de", "en", "fr")):
        order = sorted(range(ITEMS), key=lambda item: math.sin(item + place / 2))
        right = [int(item in order[: RIGHT[method]]) for item in range(ITEMS)]
        content = {
            "chance": 0.25, "truncated": 0,
            "metrics": {"acc_norm": {"score": sum(right) / ITEMS, "stderr": 0.07}},
            "samples": {
                "id": [f"i{item:02}" for item in range(ITEMS)], "target": [0] * ITEMS,
                "correct": {"acc_norm": right},
                "log_likelihoods": [[0.0 if mark else -2.0, -1.0, -3.0] for mark in right],
            },
        }  # fmt: skip
        folder = results / f"m/seed{seed}/downstream/{method}/{sparsity}/parallel_cloze"
        write_json(folder / f"{language}.json", content)


def _write_benchmarks(results: Path, method: str, seed: int, sparsity: str, sets: list) -> None:
    slower = 1.5 if method == "m-wanda" else 1.0
    own = {"s": 8 * slower + float(sparsity), "cpu_time": 4 * slower, "max_rss": 300.0}
    shared = {"s": 60.0, "cpu_time": 50.0, "max_rss": 900.0}
    paths = {f"prune_model/m/seed{seed}/{method}/{sparsity}.jsonl": own}
    paths |= {f"collect_statistics/m/seed{seed}/{name}.jsonl": shared for name in sets}
    for path, row in paths.items():
        file = results / "benchmarks" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(row) + "\n", encoding="utf-8")


def table_of(results: Path, grid: Grid) -> pd.DataFrame:
    """The table `claims`, by the name of the claim."""
    return tabulate(results, "m", grid, CLAIMS).set_index("claim", drop=False)
