"""What the figures of pairs of calibration sets share: their kinds, order, names, matrix."""

from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes

from multiprune.experiment.grid import CODE, Grid
from multiprune.figures import style

LANGUAGE, PAIR, CONTROL = "languages", "translation", "monolingual"
GROUPS = {  # in the order in which they are drawn
    LANGUAGE: "plain text",
    PAIR: "translation\ndemonstrations",
    CONTROL: "monolingual\ndemonstrations",
    CODE: "contrast set",
}
MOST_ANNOTATED = 20  # with more sets, numbers no longer fit into the cells


def group_of(name: str) -> str:
    """What kind of calibration set a name stands for."""
    if "-" not in name:
        return CODE if name == CODE else LANGUAGE
    source, target = _sides(name)
    return CONTROL if source == target else PAIR


def set_order(names: set[str]) -> list[str]:
    """Languages, translation pairs, monolingual controls, code; by name within each."""
    groups = list(GROUPS)
    return sorted(names, key=lambda name: (groups.index(group_of(name)), name))


def sets_of(overlap: pd.DataFrame) -> list[str]:
    """The calibration sets of a table of pairs, in `set_order`."""
    return set_order({*overlap["set_a"], *overlap["set_b"]})


def set_label(name: str, grid: Grid) -> str:
    """Languages by name; a pair with an arrow from source to target, a control as one alone."""
    if "-" not in name:
        return _language(name, grid)
    source, target = (_language(side, grid) for side in _sides(name))
    return f"{source} only" if source == target else f"{source} → {target}"


def set_name(name: str, grid: Grid) -> str:
    """The label as a sentence has it."""
    if group_of(name) == CONTROL:
        return f"{_language(_sides(name)[0], grid)} demonstrations"
    label = set_label(name, grid)
    return f"{label} demonstrations" if group_of(name) == PAIR else label


def write_labels(axes: Axes, names: list[str], grid: Grid) -> None:
    """Label rows and columns of a matrix, and its groups on the right, with lines between them."""
    labels = [set_label(name, grid) for name in names]
    size = 8 if len(names) <= MOST_ANNOTATED else 6
    places = range(len(names))
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(places, labels, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    groups = [group_of(name) for name in names]
    starts = [place for place, group in enumerate(groups) if groups.index(group) == place]
    for start, end in pairwise([*starts, len(names)]):
        if start:
            axes.axhline(start - 0.5, color="white", linewidth=2.5)
            axes.axvline(start - 0.5, color="white", linewidth=2.5)
        axes.text(
            len(names) - 0.4, (start + end - 1) / 2, GROUPS[groups[start]], va="center",
            fontsize=7, color=style.REFERENCE, linespacing=0.95,
        )  # fmt: skip


def square(sets: int) -> float:
    """Side of the matrix in inches."""
    return max((0.36 if sets <= MOST_ANNOTATED else 0.17) * sets, 1.8)


def _sides(name: str) -> tuple[str, str]:
    source, target = name.split("-")  # a language's own code holds no hyphen
    return source, target


def _language(name: str, grid: Grid) -> str:
    return style.language_label(name, grid) if name in grid.languages else name
