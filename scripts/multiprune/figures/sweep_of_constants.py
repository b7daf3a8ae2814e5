"""Validation perplexity of every candidate relative to the best one, and which was taken."""

import json
import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.wording import Tables, document, number

TABLES = ("sweep",)
STANDARD = True
TITLE = "Choice of constants"
PLACE = 80
EMPTY = "No method of this experiment has constants to choose."
MOST = 24  # candidates in a panel: the best ones, and the chosen one
WIDEST = 1.5  # ratios beyond this leave the axis and become an arrow
HEADER = 36  # characters in a line of the names above the values
WITHIN, BEYOND = style.PALETTE[0], style.REFERENCE


def select(sweep: pd.DataFrame, method: str) -> pd.DataFrame:
    """The best candidates of a method and the chosen one, the best first."""
    rows = sweep[sweep["method"] == method].reset_index(drop=True)
    return rows[(rows.index < MOST) | (rows["chosen"] == 1)]


def labels(rows: pd.DataFrame) -> list[str]:
    """What tells the candidates of one method apart: `strength 0.05, direction keep_shared`."""
    names = constants(rows)
    return [
        ", ".join(f"{name} {value}" for name, value in zip(names, each, strict=True))
        for each in values(rows)
    ]


def constants(rows: pd.DataFrame) -> list[str]:
    """Names of the constants of one method, without their paths where they differ without."""
    paths = list(json.loads(rows["constants"].iloc[0]))
    last = [path.split(".")[-1] for path in paths]
    return last if len(set(last)) == len(last) else paths


def values(rows: pd.DataFrame) -> list[list[str]]:
    """Values of the constants in each candidate."""
    return [
        [_text(value) for value in entry.values()] for entry in map(json.loads, rows["constants"])
    ]


def _text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else value


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: sweep of one model."""
    sweep = tables["sweep"]
    if sweep.empty:
        return style.empty_figure(EMPTY)
    methods = style.method_order(sweep["method"], grid)
    shown = {method: select(sweep, method) for method in methods}
    heights = [0.19 * len(rows) + 0.45 for rows in shown.values()]
    figure = style.new_figure(7.5, sum(heights) + 0.9)
    panels = figure.subplots(
        len(methods), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights}
    )
    ends = limits(pd.concat(shown.values()))
    for axes, (method, rows) in zip(panels.flat, shown.items(), strict=True):
        _panel(axes, rows, ends)
        count = int((sweep["method"] == method).sum())
        best = "" if count == len(rows) else f", {len(rows)} of {count} candidates"
        title = f"{method}, sparsity {rows['sparsity'].iloc[0]:g}{best}"
        axes.set_title(title, loc="left", fontweight="bold")
    panels.flat[-1].set_xlabel(
        "Validation perplexity relative to the best candidate\n(geometric mean, log scale)"
    )
    figure.legend(handles=_legend(), loc="outside upper center", ncols=3)
    return figure


def limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis that all panels share: the intervals of candidates that are not far out."""
    near = rows[rows["ratio_to_best"] <= WIDEST]
    right = min(np.nanmax([1.02, *near["ratio_to_best"], *near["ci_high"]]), WIDEST)
    left = max(np.nanmin([1.0, *near["ci_low"]]), 1 / WIDEST)
    margin = (right / left) ** 0.04
    return float(left / margin), float(right * margin)


def _panel(axes: Axes, rows: pd.DataFrame, ends: tuple[float, float]) -> None:
    style.log_axis(axes, "x", *ends)
    axes.axvline(1, color=style.REFERENCE, linewidth=0.8, zorder=0)
    axes.grid(axis="x")
    axes.set_yticks(range(len(rows)), [", ".join(each) for each in values(rows)])
    header = textwrap.fill(", ".join(constants(rows)), HEADER)
    axes.annotate(
        header, (0, 1), xycoords="axes fraction", xytext=(-4, 3), textcoords="offset points",
        ha="right", va="bottom", fontsize=8,
    )  # fmt: skip
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    for place, row in enumerate(rows.itertuples()):
        colour = WITHIN if row.within else BEYOND
        if row.ratio_to_best > ends[1]:
            axes.annotate(
                f"{row.ratio_to_best:.3g} times →", (1, place),
                xycoords=axes.get_yaxis_transform(), ha="right", va="center",
                fontsize=8, color=colour,
            )  # fmt: skip
            continue
        axes.plot([row.ci_low, row.ci_high], [place, place], color=colour, linewidth=1.4)
        inside = "white" if row.seeds < rows["seeds"].max() else colour
        look = _marker(bool(row.chosen)) | {"markerfacecolor": inside}
        axes.plot(row.ratio_to_best, place, color=colour, **look)
        if row.chosen:
            axes.get_yticklabels()[place].set_fontweight("bold")


def _marker(chosen: bool) -> dict:
    return {"marker": "D" if chosen else "o", "markersize": 6 if chosen else 4, "linestyle": "none"}


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=WITHIN, label="chosen", **_marker(True)),
        Line2D([], [], color=WITHIN, label="within one standard error", **_marker(False)),
        Line2D([], [], color=BEYOND, label="beyond", **_marker(False)),
    ]


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    sweep = tables["sweep"]
    if sweep.empty:
        return document(EMPTY)
    shown = (
        f"Constants chosen on validation text, {model}: geometric-mean perplexity over the "
        "calibration languages of each candidate, relative to the best candidate of its method, "
        f"with {grid.confidence:.0%} intervals (paired bootstrap over windows, t quantiles). Taken "
        "is the simplest candidate within one standard error of the best: the one with the fewest "
        "values other than the method's own, then the one listed first. The test text was not "
        "looked at."
    )
    findings = [
        _finding(method, sweep[sweep["method"] == method])
        for method in style.method_order(sweep["method"], grid)
    ]
    seed, most = sweep["seed"].iloc[0], int(sweep["seeds"].max())
    draws = f"One calibration draw (seed {seed}), one sparsity"
    if most > 1:
        draws = (
            f"Hollow: one calibration draw (seed {seed}), relative to the best on it. Filled: the "
            f"finalists, means over {most} draws, among which was chosen. One sparsity"
        )
    note = (
        f"{draws}; the choice serves all seeds and sparsities of the method. Standard errors cover "
        "the choice of validation windows only."
    )
    return document(shown, " ".join(findings), note)


def _finding(method: str, rows: pd.DataFrame) -> str:
    best, chosen = rows.iloc[0], rows[rows["chosen"] == 1].iloc[0]
    names = labels(rows)
    picked = names[rows.index.get_loc(chosen.name)]
    end = (
        "which is the best."
        if chosen["candidate"] == best["candidate"]
        else f"{number(chosen['ratio_to_best'])} times the best, {names[0]}."
    )
    return (
        f"{method} at sparsity {best['sparsity']:g}: {len(rows)} candidates, perplexity "
        f"{number(rows['perplexity'].min())} to {number(rows['perplexity'].max())}, "
        f"{int(rows['within'].sum())} within one standard error of the best; taken is {picked} "
        f"({number(chosen['perplexity'])}), {end}"
    )
