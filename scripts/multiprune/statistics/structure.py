"""How alike languages use a model's channels, and which of them cover the others.

Distances are 1 - the mean correlation of the languages' activation norms.
"""

from pathlib import Path

import numpy as np

from multiprune.errors import InputError
from multiprune.files.aside import set_aside
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json
from multiprune.statistics.correlation import language_correlation
from multiprune.statistics.files import StatisticsFiles

ALL = "all"
THIRDS = ("early", "middle", "late")


def correlations(files: StatisticsFiles) -> dict[str, np.ndarray]:
    """Mean correlation over module inputs by depth: all blocks and thirds of them. [L, L] each.

    A module input in which a language's norm is constant says nothing about this language. Two
    that no input compares count as uncorrelated.
    """
    blocks = sorted({i.block for i in files.inputs})
    third = {block: THIRDS[3 * n // len(blocks)] for n, block in enumerate(blocks)}
    shape = (len(files.languages),) * 2
    depths = (ALL, *sorted(set(third.values()), key=THIRDS.index))
    sums = {depth: np.zeros(shape) for depth in depths}
    counts = {depth: np.zeros(shape) for depth in depths}
    for module_input in files.inputs:
        matrix = np.atleast_2d(language_correlation(files.read(module_input)))
        for depth in (ALL, third[module_input.block]):
            sums[depth] += np.nan_to_num(matrix, nan=0.0)
            counts[depth] += np.isfinite(matrix)
    return {depth: sums[depth] / np.maximum(counts[depth], 1) for depth in depths}


def farthest_first(distances: np.ndarray) -> tuple[list[int], list[float]]:
    """An order in which every prefix covers the whole well: each next is farthest from the former.

    The first has the smallest mean distance from all others (Gonzalez 1985, who leaves the first
    free). Of equals the lower index. distances [L, L] -> indices [L], and how far each was from
    the nearest before it (0 for the first).
    """
    first = int(np.argmin(distances.mean(axis=1)))
    order, radii = [first], [0.0]
    nearest = distances[first].copy()
    nearest[first] = -np.inf
    while len(order) < len(distances):
        chosen = int(np.argmax(nearest))
        order.append(chosen)
        radii.append(float(nearest[chosen]))
        nearest = np.minimum(nearest, distances[chosen])
        nearest[order] = -np.inf
    return order, radii


def read_order(path: Path | str, size: int) -> list[str]:
    """The first `size` calibration sets of an order that rank_languages.py wrote."""
    content = read_json(path)
    languages = content.get("languages") if isinstance(content, dict) else None
    if not isinstance(languages, list) or len(set(map(str, languages))) < len(languages):
        set_aside(path, "is not an order of languages")
    if not 0 < size <= len(languages):
        raise InputError(f"{path}: orders {len(languages)} languages, found --take {size}")
    return languages[:size]


def chosen_statistics(order: Path | str, size: int, statistics: list[str]) -> list[str]:
    """Those of the statistics files that an order takes; InputError where it ranked others."""
    taken, files = read_order(order, size), {Path(path).stem: path for path in statistics}
    ranked = read_json(order).get("provenance", {}).get("inputs", {})
    for name in taken:
        if name not in files:
            raise InputError(f"{order}: takes {name}, which is not among --statistics")
        if ranked.get(Path(files[name]).name) != sha256_file(files[name]):
            raise InputError(f"{order}: ranked other statistics than {files[name]}; remove it")
    return [files[name] for name in sorted(taken)]
