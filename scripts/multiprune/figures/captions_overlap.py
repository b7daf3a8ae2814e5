"""Caption of the figure `feature_overlap`, every number computed from the table that is drawn."""

from collections.abc import Mapping

import pandas as pd

from multiprune.experiment.grid import CODE, Grid
from multiprune.figures import feature_overlap
from multiprune.figures.feature_overlap import CONTROL, LANGUAGE, PAIR, group_of
from multiprune.figures.wording import document

KINDS = {
    (LANGUAGE, LANGUAGE): "two languages",
    (LANGUAGE, PAIR): "a language and translation demonstrations",
    (LANGUAGE, CONTROL): "a language and monolingual demonstrations",
    (PAIR, PAIR): "two sets of translation demonstrations",
    (PAIR, CONTROL): "translation and monolingual demonstrations",
    (CONTROL, CONTROL): "two sets of monolingual demonstrations",
    (LANGUAGE, CODE): "a language and code",
    (PAIR, CODE): "translation demonstrations and code",
    (CONTROL, CODE): "monolingual demonstrations and code",
}


def overlap_of_features(tables: Mapping[str, pd.DataFrame], grid: Grid, model: str) -> str:
    """Caption of `feature_overlap`."""
    table = tables["overlap"]
    if table.empty:
        return document(feature_overlap.EMPTY)
    chance = table["chance"].mean()
    shown = (
        f"Share of features that two calibration sets have in common, {model}, dense. Features are "
        f"the input channels of a module; top and bottom features are the {chance:.1%} with the "
        "highest and the lowest root mean square over a set's tokens. Mean over "
        f"{table['input'].nunique()} kinds of module input and all blocks. Two unrelated sets "
        f"would share {chance:.2f} (chance). Sets of different length and text differ for that "
        "reason too: compare translation demonstrations with their monolingual control, which has "
        "the same format and the same number of lines."
    )
    means = table.groupby(["end", "set_a", "set_b"])["overlap"].mean().reset_index()
    means["kind"] = [_kind(a, b) for a, b in zip(means["set_a"], means["set_b"], strict=True)]
    findings = [_of_kinds(means, end) + _extremes(means, end, grid) for end in ("top", "bottom")]
    seeds = table["seed"].nunique()
    draws = f"Mean of {seeds} calibration draws." if seeds > 1 else "One calibration draw (seed)."
    return document(shown, " ".join(findings), draws)


def _kind(a: str, b: str) -> str:
    groups = list(feature_overlap.GROUPS)
    pair = sorted((group_of(a), group_of(b)), key=groups.index)
    return KINDS[tuple(pair)]


def _of_kinds(means: pd.DataFrame, end: str) -> str:
    kinds = means[means["end"] == end].groupby("kind")["overlap"].agg(["mean", "size"])
    parts = [
        f"{kinds['mean'][kind]:.2f} between {kind} (n = {kinds['size'][kind]})"
        for kind in KINDS.values()
        if kind in kinds.index
    ]
    return f"Mean overlap of {end} features: {'; '.join(parts)}."


def _extremes(means: pd.DataFrame, end: str, grid: Grid) -> str:
    here = means[means["end"] == end].set_index(["set_a", "set_b"])["overlap"]
    if len(here) < 2:
        return ""
    lowest, highest = (
        f"{' and '.join(_name(name, grid) for name in pair)} ({here[pair]:.2f})"
        for pair in (here.idxmin(), here.idxmax())
    )
    return f" Least alike are {lowest}, most alike {highest}."


def _name(name: str, grid: Grid) -> str:
    label = feature_overlap.set_label(name, grid)
    return f"{label} demonstrations" if group_of(name) in (PAIR, CONTROL) else label
