"""Whether languages that the dense model predicts badly lose more when it is pruned."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import stats

from multiprune.experiment.grid import DENSE, ROLES, Grid
from multiprune.figures import language_groups, style
from multiprune.figures.language_groups import OTHER, UNKNOWN
from multiprune.figures.wording import (
    Tables,
    document,
    measured_text,
    own_languages,
    role_label,
    sentence,
)

TABLES = ("perplexity",)
STANDARD = False
TITLE = "Loss by how well a language is known"
PLACE = 27
EMPTY = "There are fewer than three languages with a dense and a pruned result of the baseline."
FEWEST = 3  # languages
FEWEST_RANKED = 5  # languages from which on there is a rank correlation
RHO = "\N{GREEK SMALL LETTER RHO}"
SCRIPTS = 6  # that have a colour
MARKERS = {"calibration": "o", "unseen": "D"}


def select(perplexity: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """method, sparsity, language, role, ratio, bits (per byte, dense), script; or nothing."""
    rows = language_groups.language_ratios(perplexity, grid)
    dense = perplexity[perplexity["method"] == DENSE].groupby("language")["bits_per_byte"].mean()
    rows = rows.assign(
        bits=rows["language"].map(dense),
        script=[language_groups.script(language, grid) for language in rows["language"]],
    ).dropna(subset="bits")
    few = rows.loc[rows["method"] == grid.baseline, "language"].nunique() < FEWEST
    return rows[:0] if few else rows


def rank_correlation(x: np.ndarray, y: np.ndarray, grid: Grid) -> tuple[float, float, float]:
    """Spearman's rho and its percentile bootstrap interval over languages; nan for few."""
    if len(x) < FEWEST_RANKED or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan, np.nan, np.nan
    rho = float(_rho(x[None], y[None])[0])
    if not grid.draws:
        return rho, np.nan, np.nan
    drawn = np.random.default_rng(0).integers(len(x), size=(grid.draws, len(x)))
    tail = (1 - grid.confidence) / 2
    low, high = np.nanquantile(_rho(x[drawn], y[drawn]), [tail, 1 - tail])
    return rho, float(low), float(high)


def _rho(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x, y [draws, languages] -> [draws]; nan where a resample holds one value only."""
    x, y = (stats.rankdata(values, axis=1) for values in (x, y))
    x, y = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (x, y))
    with np.errstate(invalid="ignore"):
        return (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: perplexity of one model."""
    rows = select(tables["perplexity"], grid)
    if rows.empty:
        return style.empty_figure(EMPTY)
    methods = style.method_order(rows["method"], grid)
    figure = style.new_figure(4.2 * len(methods) + 1.7, 4.2)
    panels = figure.subplots(1, len(methods), squeeze=False, sharex=True, sharey=True)[0]
    scripts = rows.drop_duplicates("language")["script"]
    colours = language_groups.group_colours(scripts, SCRIPTS)
    notes = []
    for axes, method in zip(panels, methods, strict=True):
        here = rows[rows["method"] == method]
        _panel(axes, here, colours)
        language_groups.ratio_axis(axes, "y", rows["ratio"], 0.08)
        axes.set_title(method, loc="left")
        notes.append(_corner(axes, here, grid))
    panels[0].set_ylabel("Perplexity / dense (log scale)")
    figure.supxlabel("Bits per byte of the dense model", fontsize=9)
    _legend(figure, colours, rows)
    figure.draw_without_rendering()  # labels need to know where the dots are
    for axes, method, note in zip(panels, methods, notes, strict=True):
        here = rows[rows["method"] == method].reset_index(drop=True)
        labels = [(i, style.language_label(here["language"][i], grid)) for i in extremes(here)]
        dots = here[["bits", "ratio"]].to_numpy()
        language_groups.label_dots(axes, dots, labels, [note.get_window_extent()])
    return figure


def extremes(rows: pd.DataFrame) -> list[int]:
    """Positions of the languages that are worth a name: those that lose most and least, first."""
    by_ratio, by_bits = (np.argsort(rows[column], kind="stable") for column in ("ratio", "bits"))
    chosen = [*by_ratio[::-1][:3], *by_ratio[:3], *by_bits[::-1][:2], *by_bits[:2]]
    return list(dict.fromkeys(int(position) for position in chosen))


def _panel(axes: Axes, rows: pd.DataFrame, colours: Mapping[str, str]) -> None:
    axes.grid()
    axes.margins(x=0.08)
    for (script, role), dots in rows.groupby(["script", "role"]):
        colour = colours.get(script, OTHER)
        axes.plot(
            dots["bits"], dots["ratio"], linestyle="none", color=colour, marker=MARKERS[role],
            markersize=4, alpha=0.85, zorder=2 if script in colours else 1.5,
        )  # fmt: skip


def _corner(axes: Axes, rows: pd.DataFrame, grid: Grid):
    """Write the rank correlation into the upper right corner; the text."""
    rho, low, high = rank_correlation(rows["bits"].to_numpy(), rows["ratio"].to_numpy(), grid)
    text = f"n = {len(rows)}"
    if not np.isnan(rho):
        interval = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
        text = f"Spearman {RHO} = {rho:.2f}{interval}, {text}"
    return axes.text(
        1, 1.02, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=8,
    )  # fmt: skip


def _legend(figure: Figure, colours: Mapping[str, str], rows: pd.DataFrame) -> None:
    dot = {"linestyle": "none", "marker": "o", "markersize": 4}
    scripts = set(rows["script"])
    counts = rows.groupby("role")["language"].nunique()
    handles = [Line2D([], [], color=colour, label=name, **dot) for name, colour in colours.items()]
    if rest := scripts - set(colours):
        kinds = ["other"] * (rest != {UNKNOWN}) + [UNKNOWN] * (UNKNOWN in rest)
        label = " or ".join(kinds)
        handles.append(Line2D([], [], color=OTHER, label=label, **dot))
    handles += [
        Line2D(
            [], [], color=style.REFERENCE, label=role_label(role, counts[role]),
            **(dot | {"marker": MARKERS[role]}),
        )
        for role in ROLES
        if role in counts
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside right upper", title="Script, and role in the config"
    )


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    rows = select(tables["perplexity"], grid)
    if rows.empty:
        return document(EMPTY)
    shown = (
        f"What pruning to sparsity {rows['sparsity'].iloc[0]:g} costs a language against how well "
        f"the dense model predicts it, {model}: a mark is a language, bits per byte of the dense "
        "model (fewer is better) and perplexity relative to it. Colour is the script, names are "
        "given to some languages at the edges."
    )
    findings = []
    for method in style.method_order(rows["method"], grid):
        here = rows[rows["method"] == method]
        x, y = here["bits"].to_numpy(), here["ratio"].to_numpy()
        findings.append(f"{method}: {_rank(rank_correlation(x, y, grid))}.")
    note = (
        f"Intervals: percentile bootstrap over languages ({grid.draws} draws). Related languages "
        "are not independent, so they are too narrow. The dense model's loss stands on both axes, "
        "so that chance in it moves a mark along both."
    )
    return document(
        shown,
        " ".join(findings),
        own_languages(rows["method"], grid),
        note,
        sentence(measured_text(grid)),
    )


def _rank(rho: tuple[float, float, float]) -> str:
    value, low, high = rho
    if np.isnan(value):
        return f"no rank correlation below {FEWEST_RANKED} languages"
    if np.isnan(low):
        return f"rank correlation (Spearman) {value:.2f}, without an interval"
    apart = low > 0 or high < 0
    more = "more" if value > 0 else "less"
    meaning = (
        f"which excludes 0: languages that the dense model predicts badly lose {more}"
        if apart
        else "which includes 0: no relation can be told"
    )
    return f"rank correlation (Spearman) {value:.2f} [{low:.2f}, {high:.2f}], {meaning}"
