"""Geometric-mean perplexity of each method relative to dense and to the baseline."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import DENSE, ROLES, Grid
from multiprune.figures import style
from multiprune.figures.wording import (
    Tables,
    document,
    geometric_mean_of_draws,
    intervals_over_windows,
    measured_languages,
    role_label,
    with_interval,
)

TABLES = ("summary",)
STANDARD = True
TITLE = "Methods compared"
PLACE = 10
EMPTY = "There is no pruned model to compare."
MARKERS = {"calibration": "o", "unseen": "D"}
NEAR = 1.25  # ratios to the baseline beyond this factor leave the axis and become an arrow


def select(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of calibration and unseen languages at each sparsity with at least two methods.

    Where no sparsity has two methods, every sparsity.
    """
    pruned = summary[(summary["method"] != DENSE) & summary["language_set"].isin(ROLES)]
    counts = pruned.groupby("sparsity")["method"].nunique()
    shared = counts[counts > 1].index
    return pruned[pruned["sparsity"].isin(shared if len(shared) else counts.index)]


def by_effect(summary: pd.DataFrame, sparsity: float, grid: Grid) -> list[str]:
    """The methods at a sparsity from least to most perplexity over all languages."""
    rows = summary[
        (summary["method"] != DENSE)
        & (summary["language_set"] == "all")
        & (summary["sparsity"] == sparsity)
    ]
    effects = rows.set_index("method")["ratio_to_dense"]
    return sorted(style.method_order(effects.index, grid), key=effects.__getitem__)


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: summary of one model."""
    rows = select(tables["summary"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    sparsities = sorted(rows["sparsity"].unique())
    kinds = ["dense", "baseline"] if rows["ratio_to_baseline"].notna().any() else ["dense"]
    beside = 1 if len(sparsities) <= 3 else 2
    lines = -(-len(sparsities) // beside)
    counts = list(rows.groupby("sparsity")["method"].nunique())
    heights = [0.3 * max(counts[i : i + beside]) + 0.25 for i in range(0, len(counts), beside)]
    figure = style.new_figure(3.4 * beside * len(kinds) + 0.8, sum(heights) + 0.35 * lines + 0.6)
    panels = figure.subplots(
        lines, beside * len(kinds), squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for axes in panels.flat[len(sparsities) * len(kinds) :]:
        axes.remove()
    for index, sparsity in enumerate(sparsities):
        here = rows[rows["sparsity"] == sparsity]
        methods = by_effect(tables["summary"], sparsity, grid)
        for offset, kind in enumerate(kinds):
            axes = panels.flat[index * len(kinds) + offset]
            last = index >= len(sparsities) - beside
            _panel(axes, here, methods, kind, rows, grid, last)
            if offset == 0:
                axes.set_title(f"sparsity {sparsity:g}", loc="left", fontweight="bold")
            else:
                axes.tick_params(labelleft=False)
    _legend(figure, rows)
    return figure


def _panel(
    axes: Axes, here: pd.DataFrame, methods: list, kind: str, rows: pd.DataFrame, grid: Grid, last
) -> None:
    """One sparsity, compared with dense or with the baseline; `rows` set the shared limits."""
    ratio, low, high = {
        "dense": ("ratio_to_dense", "ci_low", "ci_high"),
        "baseline": ("ratio_to_baseline", "baseline_ci_low", "baseline_ci_high"),
    }[kind]
    left, right = limits(rows[[ratio, low, high]], kind)
    style.log_axis(axes, "x", left, right)
    axes.axvline(1, color=style.REFERENCE, linewidth=0.8, zorder=0)
    axes.grid(axis="x")
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_yticks(range(len(methods)), methods)
    axes.tick_params(axis="y", length=0)
    roles = [role for role in ROLES if role in set(here["language_set"])]
    for row in here.itertuples():
        shift = 0.22 * (2 * roles.index(row.language_set) - 1) if len(roles) > 1 else 0
        place = methods.index(row.method) + shift
        look = {
            "color": style.ROLE_COLOURS[row.language_set],
            "marker": MARKERS[row.language_set],
            "markersize": 4.5,
        }
        value = getattr(row, ratio)
        if np.isnan(value):
            continue
        if left <= value <= right:
            ends = [getattr(row, low), getattr(row, high)]
            axes.plot(ends, [place, place], color=look["color"], linewidth=1.6)
            axes.plot(value, place, linestyle="none", **look)
            _cut(axes, ends, (left, right), place, look["color"])
        else:
            _beyond(axes, value, place, look["color"], value > right)
    if here[ratio].isna().all():
        axes.text(
            0.5, 0.5, f"{grid.baseline} was not run at this sparsity",
            transform=axes.transAxes, ha="center", va="center", fontsize=8, color=style.REFERENCE,
        )  # fmt: skip
    if last:
        reference = "the dense model" if kind == "dense" else grid.baseline
        axes.set_xlabel(f"Perplexity relative to {reference}\n(geometric mean, log scale)")


def limits(values: pd.DataFrame, kind: str) -> tuple[float, float]:
    """Axis limits; columns of `values` are ratio, low, high.

    Against the baseline a method far away must not squeeze the differences that matter.
    """
    ratio = values.columns[0]
    if kind == "baseline":
        near = np.abs(np.log(values[ratio])) <= np.log(NEAR)
        values = values[near] if near.any() else values
        least, most = 1 / 1.03, 1.03
    else:
        least, most = 1.0, 1.1
    low = np.nanmin([least, values.min(axis=None)])
    high = np.nanmax([most, values.max(axis=None)])
    margin = (high / low) ** 0.06
    return float(low / margin), float(high * margin)


def _cut(
    axes: Axes, ends: Sequence[float], frame: tuple[float, float], place: float, colour: str
) -> None:
    """A small arrow where an interval goes on beyond the axis."""
    for side, beyond in enumerate((ends[0] < frame[0], ends[1] > frame[1])):
        if beyond:
            axes.plot(
                side, place, marker="<>"[side], markersize=3.5, color=colour,
                transform=axes.get_yaxis_transform(), clip_on=False,
            )  # fmt: skip


def _beyond(axes: Axes, value: float, place: float, colour: str, above: bool) -> None:
    """An arrow at the edge with the value of a ratio that lies outside the axis."""
    edge, ha, shift = (1, "right", -10) if above else (0, "left", 10)
    marker = ">" if above else "<"
    at = axes.get_yaxis_transform()
    axes.plot(edge, place, marker=marker, markersize=5, color=colour, transform=at, clip_on=False)
    axes.annotate(
        f"{value:.3g} times", (edge, place), xycoords=at, xytext=(shift, 0), fontsize=8,
        textcoords="offset points", ha=ha, va="center", color=colour,
    )  # fmt: skip


def _legend(figure: Figure, rows: pd.DataFrame) -> None:
    counts = rows.groupby("language_set")["languages"].max()
    handles = [
        Line2D(
            [], [], color=style.ROLE_COLOURS[role], marker=MARKERS[role], markersize=4.5,
            linewidth=1.6, label=role_label(role, counts[role]),
        )
        for role in ROLES
        if role in counts
    ]  # fmt: skip
    style.outside_legend(figure, handles)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    summary = tables["summary"]
    rows = select(summary)
    if rows.empty:
        return document(EMPTY)
    shown = (
        f"Geometric mean of the languages' perplexities relative to the dense model and to "
        f"{grid.baseline}, {model}, with {grid.confidence:.0%} intervals. "
        "Languages are grouped by their role in the config, so that all methods are compared over "
        "the same languages, whichever of them a method was calibrated on. The ratio to the "
        "baseline is paired and decides between methods; an arrow with a number marks a ratio "
        "outside the axis, one without a number an interval that goes on beyond it."
    )
    whole = summary[(summary["language_set"] == "all") & (summary["method"] != DENSE)]
    findings = [
        _comparison_at(sparsity, whole[whole["sparsity"] == sparsity], grid)
        for sparsity in sorted(rows["sparsity"].unique())
    ]
    basis = [measured_languages(grid), intervals_over_windows(grid), geometric_mean_of_draws(grid)]
    wholes = [method for method in style.method_order(grid.methods, grid) if grid.is_whole(method)]
    pruned = summary.loc[summary["method"] != DENSE, "sparsity"]
    if alone := sorted({*pruned} - {*rows["sparsity"]}):
        listed = ", ".join(f"{sparsity:g}" for sparsity in alone)
        basis.append(f"Left out, for having one method only: sparsity {listed}.")
    if wholes:
        basis.append(f"Left out, for having languages of their own: {', '.join(wholes)}.")
    return document(shown, " ".join(findings), " ".join(basis))


def _comparison_at(sparsity: float, rows: pd.DataFrame, grid: Grid) -> str:
    methods = by_effect(rows, sparsity, grid)
    rows = rows.set_index("method")
    if grid.baseline not in rows.index:
        parts = [
            f"{method} {_ratio(rows.loc[method], 'ratio_to_dense', 'ci')}" for method in methods
        ]
        return f"At sparsity {sparsity:g}, times dense over all languages: {'; '.join(parts)}."
    base = _ratio(rows.loc[grid.baseline], "ratio_to_dense", "ci")
    parts = []
    for method in methods:
        row = rows.loc[method]
        if method != grid.baseline and pd.notna(row["ratio_to_baseline"]):
            ratio = _ratio(row, "ratio_to_baseline", "baseline_ci")
            said = verdict(row["baseline_ci_low"], row["baseline_ci_high"], grid.baseline)
            parts.append(f"{method} / {grid.baseline} = {ratio}, {said}")
    start = (
        f"At sparsity {sparsity:g} the geometric-mean perplexity over all languages is {base} "
        f"times dense for {grid.baseline}"
    )
    return "; ".join([start, *parts]) + "."


def verdict(low: float, high: float, baseline: str) -> str:
    """What an interval of the ratio to the baseline allows to say."""
    if np.isnan(low):
        return "no interval, a language has fewer than three windows"
    if low <= 1 <= high:  # unrounded; `with_interval` prints the digits that show it
        return f"not distinguishable from {baseline}"
    return f"{'lower' if high < 1 else 'higher'} perplexity than {baseline}"


def _ratio(row: pd.Series, ratio: str, prefix: str) -> str:
    return with_interval(row[ratio], row[f"{prefix}_low"], row[f"{prefix}_high"])
