"""The claims of the papers: estimates with intervals beside the threshold, and the verdict."""

from collections.abc import Iterator
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from multiprune.claims import summary
from multiprune.claims.definitions import AGAINST, AS_SAMPLE, FOR, MIXED, OPEN
from multiprune.claims.documents import compared, heading, is_ratio, languages, numbers, reasons
from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.wording import Tables, document, sentence

TABLES = ("claims",)
STANDARD = True
TITLE = "Claims and verdicts"
PLACE = 90
EMPTY = "There is no claim that was measured."
COLOURS = {
    **dict.fromkeys(FOR, style.PALETTE[0]),
    **dict.fromkeys(AGAINST, style.PALETTE[3]),
    **dict.fromkeys(OPEN, "0.25"),
    MIXED: style.PALETTE[1],
}
MARKERS = dict.fromkeys(FOR, "o") | dict.fromkeys(AGAINST, "s") | dict.fromkeys(OPEN, "D")
MARKERS[MIXED] = "^"
CLAIMED = "#dde8f2"  # behind the values for which a claim holds
NEAR = 1.4  # ratios beyond this factor leave the axis and become an arrow
WIDTH, ROW = 10.5, 0.56  # inches
LETTERS = 52  # of a statement's line


def select(claims: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of ratios and of differences that were measured, in the order of the claims.

    Only kinds that occur.
    """
    claims = summary.measured(claims)
    ratio = claims["measurement"].map(is_ratio).astype(bool)
    kinds = {"ratio": claims[ratio], "difference": claims[~ratio]}
    return {kind: rows for kind, rows in kinds.items() if len(rows)}


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: claims of one model."""
    kinds = select(tables["claims"])
    if not kinds:
        return style.empty_figure(EMPTY)
    counts = [len(rows) for rows in kinds.values()]
    figure = style.new_figure(WIDTH, ROW * sum(counts) + 0.75 * len(counts))
    panels = figure.subplots(len(counts), 1, squeeze=False, gridspec_kw={"height_ratios": counts})
    for axes, (kind, rows) in zip(panels.flat, kinds.items(), strict=True):
        _panel(axes, rows, kind)
    return figure


def limits(rows: pd.DataFrame, kind: str) -> tuple[float, float]:
    """Axis limits that hold every threshold and, but for far ratios, every interval."""
    shown = rows.dropna(subset="estimate")
    if kind == "difference":
        values = [*shown["ci_low"], *shown["ci_high"], *rows["threshold"], -0.01, 0.01]
        low, high = min(values), max(values)
        return low - 0.08 * (high - low), high + 0.08 * (high - low)
    near = shown[np.abs(np.log(shown["estimate"])) <= np.log(NEAR)]
    values = [*near["ci_low"], *near["ci_high"], *rows["threshold"], 1 / 1.05, 1.05]
    margin = (max(values) / min(values)) ** 0.08
    return min(values) / margin, max(values) * margin


def _panel(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    low, high = limits(rows, kind)
    if kind == "ratio":
        style.log_axis(axes, "x", low, high)
        axes.set_xlabel(f"{_kinds(rows)} (log scale)")
    else:
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel(_kinds(rows))
    axes.axvline(1 if kind == "ratio" else 0, color=style.REFERENCE, linewidth=0.8, zorder=0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for place, row in enumerate(rows.itertuples()):
        _labels(axes, place, row)
        _claimed(axes, place, row, (low, high))
        _estimate(axes, place, row, (low, high))
        _verdict(axes, place, row)


def _kinds(rows: pd.DataFrame) -> str:
    """What is measured in the rows, such as `Perplexity ratio, time ratio or peak memory ratio`."""
    *kinds, last = dict.fromkeys(rows["measurement"].str.partition(": ")[0])
    return sentence(f"{', '.join(kinds)} or {last}" if kinds else last)


def _labels(axes: Axes, place: int, row) -> None:
    statement = row.statement + (" (second-hand)" if row.second_hand else "")
    lines = wrap(statement, LETTERS, break_on_hyphens=False)
    # Two lines of eight points and one of seven fill the height of a row.
    options = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center"}
    top = place - 0.13 * (len(lines) - 1) - 0.12
    for index, line in enumerate(lines):
        axes.text(-0.02, top + 0.26 * index, line, fontsize=8, **options)
    axes.text(
        -0.02, top + 0.26 * len(lines), f"{row.measurement}; {row.scope}", fontsize=6.5,
        color=style.REFERENCE, **options,
    )  # fmt: skip


def _claimed(axes: Axes, place: int, row, ends: tuple[float, float]) -> None:
    """The threshold, and a shade on the side where the claim holds."""
    start, end = (row.threshold, ends[1]) if row.direction == "above" else (ends[0], row.threshold)
    height = 0.62
    axes.add_patch(
        Rectangle((start, place - height / 2), end - start, height, color=CLAIMED, zorder=0)
    )
    axes.plot(
        [row.threshold] * 2, [place - height / 2, place + height / 2],
        color=style.REFERENCE, linewidth=1.6, solid_capstyle="butt",
    )  # fmt: skip


def _estimate(axes: Axes, place: int, row, ends: tuple[float, float]) -> None:
    look = {"color": COLOURS[row.verdict], "marker": MARKERS[row.verdict], "markersize": 6}
    if ends[0] <= row.estimate <= ends[1]:
        if pd.notna(row.ci_low):
            axes.plot([row.ci_low, row.ci_high], [place] * 2, color=look["color"], linewidth=1.8)
        axes.plot(row.estimate, place, linestyle="none", **look)
        return
    edge, marker = (1, ">") if row.estimate > ends[1] else (0, "<")
    look["marker"] = marker
    axes.plot(edge, place, transform=axes.get_yaxis_transform(), clip_on=False, **look)


def _verdict(axes: Axes, place: int, row) -> None:
    """At the right: the verdict, the numbers, and what the verdict rests on."""
    counted = "" if pd.isna(row.languages) else f"; languages: {languages(row)}"
    lines = [f"{numbers(row)}{counted}", *wrap("; ".join(reasons(row)), 56, break_on_hyphens=False)]
    verdict = summary.spoken(row.verdict, row.constants)
    options = {"transform": axes.get_yaxis_transform(), "color": COLOURS[row.verdict]}
    axes.text(1.03, place - 0.1, verdict, fontsize=8, fontweight="bold", va="bottom", **options)
    axes.text(1.03, place - 0.06, "\n".join(lines), fontsize=7, va="top", **options)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    claims = tables["claims"]
    if claims.empty:
        return document(EMPTY)
    shown = (
        f"{heading(claims)}, in this project's words, and what {model} shows. Shaded: values "
        "for which the claim holds; the bar at its edge is the threshold, this project's choice. "
        f"Lines are {grid.confidence:.0%} intervals; an arrow marks a ratio outside the axis. "
        "Results point for a claim where the interval lies wholly in the shade, against it where "
        "it lies wholly outside, and else leave it undecided; claims about every language or "
        "several sparsities ask for more (config/claims.yaml). At the right, in how many languages "
        "the claim holds by itself or is contradicted, with Holm's correction over languages."
    )
    found = [" ".join(summary.sentences(claims)), summary.limits(claims)]
    basis = [_basis(row) for row in summary.measured(claims).itertuples()]
    others = summary.unmeasured(claims)
    return document(shown, *found, *_uncertainty(claims, grid), " ".join(basis), *others)


def _basis(row) -> str:
    """What a row of the table says of text, items and budgets, for which the figure has no room."""
    more = compared(row)[3:]
    return f"{row.claim}: {'; '.join(more)}." if more else ""


def _uncertainty(claims: pd.DataFrame, grid: Grid) -> Iterator[str]:
    claims = summary.measured(claims)
    if claims.empty:
        return
    sampled = claims["reason"].str.contains(AS_SAMPLE, regex=False, na=False)
    if not sampled.all():
        yield _over_items(grid)
    if sampled.any():
        yield (
            f"{sampled.sum()} claims take languages as a sample: their intervals say how far other "
            "languages, and other random subsets, would move the mean; languages that hold are "
            "counted without a test."
        )


def _over_items(grid: Grid) -> str:
    model = (
        "Intervals: paired bootstrap over test items within each language "
        f"({grid.draws} draws; items that are the same in all languages are drawn together)"
    )
    if len(grid.seeds) == 1:
        return f"{model}. One calibration draw (seed), so they say nothing about other text."
    return (
        f"{model}, combined with the variation over {len(grid.seeds)} calibration draws (seeds) "
        "by t quantiles. The languages are fixed, not a sample."
    )
