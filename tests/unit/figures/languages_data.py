"""Grids and tables of experiments that calibrate on few and many languages, for their figures."""

from copy import deepcopy
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from multiprune.experiment.grid import LANGUAGE_SETS, Grid
from unit.columns import COLUMNS


def language(role="calibration", family="Indo-European", script="Latin", name=None) -> dict:
    entry = {"role": role, "family_name": f"{family} languages", "script_name": script}
    return entry | ({"name": name} if name else {})


SIX = {
    "ar": language(family="Afro-Asiatic", script="Arabic", name="Arabic"),
    "de": language(name="German"),
    "en": language(name="English"),
    "fr": language(name="French"),
    "ru": language("unseen", script="Cyrillic", name="Russian"),
    "sw": language("unseen", family="Niger-Congo", name="Swahili") | {"new_family": True},
}


def many(count: int) -> dict[str, dict]:
    """Languages of 20 families and 10 scripts, of which each fifth is unseen."""
    families = np.floor(20 * np.linspace(0, 0.999, count) ** 2).astype(int)
    return {
        f"l{index:03}": language(
            "unseen" if index % 5 == 4 else "calibration",
            f"Family {family:02}", f"Script {(index * 7 + family) % 10}", f"Language {index:03}",
        )
        for index, family in enumerate(families)
    }  # fmt: skip


def sizes_of(pool: int) -> list[int]:
    return [2**power for power in range(10) if 2**power < pool]


def grid_of(languages=None, curves=("wanda", "m-wanda"), draws=200, chosen=True) -> Grid:
    """Curves with two draws of each size; wanda also with greedy and largest subsets."""
    languages = languages or SIX
    pool = [name for name, entry in languages.items() if entry["role"] == "calibration"]
    run = {"seeds": [0], "sparsities": ["0.5"], "calibration": pool, "allocation": "uniform"}
    methods = {"dense": {"seeds": [0], "sparsities": ["0"], "calibration": []}}
    for curve in curves:
        methods[curve] = run | {"curve": curve}
        for size in sizes_of(len(pool)):
            names = [("random", seed) for seed in (0, 1)]
            if chosen and curve == "wanda":
                names += [("greedy", 0), ("largest", 0)]
            for choice, seed in names:
                name = f"{size}-s{seed}" if choice == "random" else f"{choice}-{size}"
                subset = {"choice": choice, "size": size, "seed": seed}
                own = {"curve": curve, "subset": subset, "calibration": pool[:size]}
                methods[f"{curve}-{name}"] = run | own
    content = {
        "seeds": [0], "baseline": "wanda", "split": "test", "length": 128,
        "resampling": {"draws": draws, "confidence": 0.95},
        "languages": languages, "methods": methods,
    }  # fmt: skip
    return Grid.of(deepcopy(content))


LEVELS = dict(zip(LANGUAGE_SETS, (2.0, 2.2, 2.6), strict=True))
CHOICES = {"random": 1.0, "greedy": 0.96, "largest": 1.02, "all": 1.0}


def scaling_of(grid: Grid) -> pd.DataFrame:
    """Ratios that fall with the number of languages; the worst language is twice as far."""
    groups = {name: [] for name in LANGUAGE_SETS}
    for name in grid.languages:
        groups[grid.language_set(name)].append(name)
    rows = {}
    for settings in grid.methods.values():
        if curve := settings.get("curve"):
            subset = settings.get("subset", {"choice": "all"})
            choice, size = subset["choice"], len(settings["calibration"])
            for group, names in groups.items():
                if names:
                    ratio = LEVELS[group] * (1 + 0.5 / size) * CHOICES[choice]
                    ratio *= 0.95 if curve.startswith("m-") else 1
                    rows[curve, choice, size, group] = [
                        "m", 0.5, curve, choice, size, group, len(names),
                        2 if choice == "random" else 1, ratio, ratio * 0.98, ratio * 1.02,
                        2 * ratio, *([1.8 * ratio, 2.2 * ratio] if choice == "random" else
                                     [2 * ratio, 2 * ratio]), names[-1],
                    ]  # fmt: skip
    return pd.DataFrame(list(rows.values()), columns=COLUMNS["scaling"])


def perplexity_of(grid: Grid, spread: float = 0.15) -> pd.DataFrame:
    """Ratios that differ by family and grow with the dense model's bits per byte."""
    generator = np.random.default_rng(1)
    families = sorted({str(entry.get("family_name")) for entry in grid.languages.values()})
    shifts = dict(zip(families, generator.normal(0, 0.25, len(families)), strict=True))
    rows = []
    for name, entry in grid.languages.items():
        bits = float(generator.uniform(1, 3.5))
        log = 0.7 + 0.2 * bits + shifts[str(entry.get("family_name"))]
        log += generator.normal(0, spread)
        gain = generator.normal(-0.05, 0.05)
        ratios = {"dense": 1.0, "wanda": np.exp(log), "m-wanda": np.exp(log + gain)}
        for method in set(ratios) & set(grid.methods):
            ratio = ratios[method]
            rows.append(
                ["m", 0, method, 0.5 if ratio != 1 else 0.0, name, entry["role"], 128,
                 20 * ratio, bits, ratio, *[None] * 5, 0.0, None, grid.calibrated_on(method, name)]
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS["perplexity"])
    return table.sort_values(["method", "language"]).reset_index(drop=True)


def structure_of(grid: Grid, seeds=(0,), depths=("all", "early", "middle", "late")):
    """Correlations that are high within a family, with places that turn with the depth."""
    names = sorted(n for n, entry in grid.languages.items() if entry["role"] == "calibration")
    families = {name: str(grid.languages[name].get("family_name")) for name in names}
    generator = np.random.default_rng(2)
    centres = {family: generator.normal(0, 1, 6) for family in sorted(set(families.values()))}
    places = {name: centres[families[name]] + generator.normal(0, 0.4, 6) for name in names}
    rows = []
    for seed in seeds:
        for number, depth in enumerate(depths):
            for a, b in combinations(names, 2):
                distance = float(np.sum((places[a] - places[b]) ** 2))
                value = 1 - 0.01 * (1 + number / 2) * distance - 0.001 * seed
                rows.append(["m", seed, depth, a, b, value])
    return pd.DataFrame(rows, columns=COLUMNS["structure"])


def cost_of(grid: Grid) -> pd.DataFrame:
    """10 s and 2 MB for each language's statistics; masks that take longer with more languages."""
    pool = [name for name, entry in grid.languages.items() if entry["role"] == "calibration"]
    rows = [
        ["m", "statistics", None, count, 10.0 * count, 900.0 + (count > 2), 2.0 * count]
        for count in range(1, len(pool) + 1)
    ]
    for method, settings in grid.methods.items():
        if "curve" in settings:
            count = len(settings["calibration"])
            rows.append(["m", "mask", method, count, 5 + 0.1 * count, 700.0 + count, 13.0])
    return pd.DataFrame(rows, columns=COLUMNS["scaling_cost"])


def domains_of(grid: Grid) -> pd.DataFrame:
    """Two methods, calibrated on and judged on two corpora; ria is first on text of its own."""
    rows = [
        ["m", f"{base}-{home}", base, 0.5, home, corpus, 2, 1, ratio, ratio - 0.1, ratio + 0.1,
         ratio / 2, ratio / 2.1, ratio / 1.9, rank]
        for base, home, corpus, ratio, rank in (
            ("ria", "news", "news", 2.0, 1), ("wanda", "news", "news", 2.2, 2),
            ("ria", "news", "songs", 3.1, 2), ("wanda", "news", "songs", 3.0, 1),
        )
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS["domains"])


def residual_overlap_of(grid: Grid) -> pd.DataFrame:
    """Few features change sides, fewest between the first two sets."""
    rows = [
        ["m", 0, a, b, 0.02 + 0.01 * place, 0.4]
        for place, (a, b) in enumerate(permutations(sorted(grid.languages)[:4], 2))
    ]
    return pd.DataFrame(rows, columns=COLUMNS["residual_overlap"])


def residual_dimensions_of(grid: Grid) -> pd.DataFrame:
    """Two dimensions of each of three layers, of which the first stands out everywhere."""
    rows = [
        ["m", 0, layer, rank, rank, 90.0 / rank, 2.0, 5 - rank, 4]
        for layer in range(3)
        for rank in (1, 2)
    ]
    return pd.DataFrame(rows, columns=COLUMNS["residual_dimensions"])


def tables_of(grid: Grid) -> dict[str, pd.DataFrame]:
    made = {
        "scaling": scaling_of(grid), "perplexity": perplexity_of(grid),
        "structure": structure_of(grid), "scaling_cost": cost_of(grid),
        "domains": domains_of(grid), "residual_overlap": residual_overlap_of(grid),
        "residual_dimensions": residual_dimensions_of(grid),
    }  # fmt: skip
    empty = {name: pd.DataFrame(columns=columns) for name, columns in COLUMNS.items()}
    return empty | made
