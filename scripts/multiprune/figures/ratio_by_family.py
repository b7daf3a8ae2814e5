"""What pruning costs each language, by language family and by script."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import CALIBRATION, Grid
from multiprune.figures import language_groups, style
from multiprune.figures.labels import relative
from multiprune.figures.language_groups import UNKNOWN
from multiprune.figures.wording import (
    Tables,
    document,
    measured_text,
    own_languages,
    role_label,
    sentence,
    with_interval,
)

TABLES = ("perplexity",)
STANDARD = False
TITLE = "By family and script"
PLACE = 26
EMPTY = "There are no two families or scripts to compare: config languages name none, or the same."
FEWEST = 3  # languages from which on a group has an interval
KINDS = {"family": "families", "script": "scripts"}


def select(perplexity: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """method, sparsity, language, role, ratio, family, script; small groups are pooled."""
    rows = language_groups.language_ratios(perplexity, grid)
    for kind, named in (("family", language_groups.family), ("script", language_groups.script)):
        rows[kind] = _pooled(rows["language"], named, kind, grid)
    return rows


def _pooled(languages: pd.Series, named: Callable, kind: str, grid: Grid) -> list[str]:
    """Group of each language; groups of one language become "other families" (or scripts)."""
    names = {language: named(language, grid) for language in languages.unique()}
    alone = {name for name in names.values() if list(names.values()).count(name) == 1} - {UNKNOWN}
    other = f"other {KINDS[kind]}"
    return [other if names[language] in alone else names[language] for language in languages]


def kinds_of(rows: pd.DataFrame) -> list[str]:
    """family, script: those by which there are two known groups to compare."""
    return [kind for kind in KINDS if len({*rows[kind]} - {UNKNOWN}) > 1]


def group_means(rows: pd.DataFrame, kind: str, grid: Grid) -> pd.DataFrame:
    """method, group, languages, mean, low, high; in the order of the baseline's means.

    Pooled and unknown languages come last.
    """
    cells = [
        (method, group, len(here), *mean_interval(here["ratio"], grid))
        for (method, group), here in rows.groupby(["method", kind])
    ]
    means = pd.DataFrame(cells, columns=["method", "group", "languages", "mean", "low", "high"])
    base = means[means["method"] == grid.baseline].set_index("group")["mean"]
    last = {f"other {KINDS[kind]}": 1, UNKNOWN: 2}
    place = means["group"].map(lambda group: (last.get(group, 0), base.get(group, np.inf)))
    return means.assign(place=place).sort_values(["place", "method"]).drop(columns="place")


def mean_interval(ratios: pd.Series, grid: Grid) -> tuple[float, float, float]:
    """Geometric mean and its percentile bootstrap interval over languages, nan for few."""
    logs = np.log(ratios.to_numpy(float))
    low = high = np.nan
    if len(logs) >= FEWEST and grid.draws:
        drawn = np.random.default_rng(0).integers(len(logs), size=(grid.draws, len(logs)))
        tail = (1 - grid.confidence) / 2
        low, high = np.exp(np.quantile(logs[drawn].mean(axis=1), [tail, 1 - tail]))
    return float(np.exp(logs.mean())), float(low), float(high)


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: perplexity of one model."""
    rows = select(tables["perplexity"], grid)
    kinds = kinds_of(rows)
    if not kinds:
        return style.empty_figure(EMPTY)
    methods = style.method_order(rows["method"], grid)
    counts = [rows[kind].nunique() for kind in kinds]
    pitch = 0.16 + 0.08 * len(methods)
    height = max(pitch * max(counts) + 1.2, 2.4)
    figure = style.new_figure(4.6 * len(kinds), height)
    steps = np.diff([0, *sorted(set(counts))])  # a panel with fewer groups ends above the other
    places = figure.add_gridspec(len(steps), len(kinds), height_ratios=steps)
    colours = dict(zip(methods, style.PALETTE, strict=False))
    for index, (kind, count) in enumerate(zip(kinds, counts, strict=True)):
        rows_taken = int((steps.cumsum() <= count).sum())
        axes = figure.add_subplot(places[:rows_taken, index])
        language_groups.ratio_axis(axes, "x", rows["ratio"], 0.05)
        _panel(axes, rows, kind, colours, grid)
    _legend(figure, colours, rows)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, kind: str, colours: Mapping, grid: Grid) -> None:
    means = group_means(rows, kind, grid)
    groups = list(dict.fromkeys(means["group"]))
    counts = means.groupby("group")["languages"].max()
    axes.axvline(1, color=style.REFERENCE, linewidth=0.8, zorder=0)
    axes.grid(axis="x")
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_yticks(range(len(groups)), [f"{group} ({counts[group]})" for group in groups])
    axes.tick_params(axis="y", length=0)
    step = 0.8 / len(colours)
    for index, (method, colour) in enumerate(colours.items()):
        shift = (index + 0.5) * step - 0.4
        for row in means[means["method"] == method].itertuples():
            place = groups.index(row.group) + shift
            here = rows[(rows["method"] == method) & (rows[kind] == row.group)]
            for role, dots in here.groupby("role"):
                axes.plot(
                    dots["ratio"], [place] * len(dots), linestyle="none", alpha=0.6,
                    **_dot(role, colour),
                )  # fmt: skip
            axes.plot([row.low, row.high], [place, place], color="black", linewidth=1.4)
            axes.plot(row.mean, place, linestyle="none", **_mean(colour))
    axes.set_xlabel("Perplexity / dense (log scale)")
    axes.set_title(f"by {kind} (languages)", loc="left")


def _dot(role: str, colour: str) -> dict:
    fill = "full" if role == CALIBRATION else "none"
    return {"color": colour, "marker": "o", "markersize": 3.2, "fillstyle": fill,
            "markeredgewidth": 0.7}  # fmt: skip


def _mean(colour: str) -> dict:
    return {"color": colour, "marker": "D", "markersize": 5, "markeredgecolor": "black",
            "markeredgewidth": 0.8}  # fmt: skip


def _legend(figure: Figure, colours: Mapping[str, str], rows: pd.DataFrame) -> None:
    handles = [
        Line2D([], [], linestyle="none", label=f"{method}, mean", **_mean(colour))
        for method, colour in colours.items()
    ]
    handles.append(Line2D([], [], color="black", linewidth=1.4, label="interval of the mean"))
    counts = rows.groupby("role")["language"].nunique()
    handles += [
        Line2D([], [], linestyle="none", label=label, **_dot(role, style.REFERENCE))
        for role, label in ((role, role_label(role, counts[role])) for role in counts.index)
    ]
    style.outside_legend(figure, handles)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    rows = select(tables["perplexity"], grid)
    kinds = kinds_of(rows)
    if not kinds:
        return document(EMPTY)
    shown = (
        f"Perplexity relative to the dense model by {' and by '.join(kinds)}, {model}, sparsity "
        f"{rows['sparsity'].iloc[0]:g}. A dot is a language, open where no method saw it "
        "(role unseen in the config); a diamond is the geometric mean of a group, the line "
        f"through it the {grid.confidence:.0%} percentile bootstrap interval over its "
        f"languages ({grid.draws} draws; none below {FEWEST} languages, too narrow for a "
        f"handful). In the order of the means of {grid.baseline}; groups of one language are "
        "pooled."
    )
    findings = [_groups(group_means(rows, kind, grid), kind, grid) for kind in kinds]
    return document(
        shown,
        " ".join(findings),
        own_languages(rows["method"], grid),
        _pairs(rows, grid),
        sentence(measured_text(grid)),
    )


def _groups(means: pd.DataFrame, kind: str, grid: Grid) -> str:
    """Least and most affected group of the baseline, among those with an interval."""
    base = means[(means["method"] == grid.baseline) & means["low"].notna()]
    base = base[~base["group"].isin([f"other {KINDS[kind]}", UNKNOWN])]
    if len(base) < 2:
        return f"By {kind}, fewer than two groups have {FEWEST} languages."
    ends = [base.loc[base["mean"].idxmin()], base.loc[base["mean"].idxmax()]]
    least, most = (
        f"{end['group']} {with_interval(end['mean'], end['low'], end['high'])}" for end in ends
    )
    overlap = "do not overlap" if ends[0]["high"] < ends[1]["low"] else "overlap"
    return (
        f"{grid.baseline} by {kind}: from {least} to {most}, the lowest and highest of "
        f"{len(base)} groups with an interval; their intervals {overlap}."
    )


def _pairs(rows: pd.DataFrame, grid: Grid) -> str:
    """The other method against the baseline, language by language."""
    table = rows.pivot(index="language", columns="method", values="ratio")
    if len(table.columns) < 2:
        return ""
    other = relative("m-", grid.baseline, grid)
    quotients = (table[other] / table[grid.baseline]).dropna()
    mean, low, high = mean_interval(quotients, grid)
    said = "the interval includes 1, so that the two cannot be told apart"
    if np.isnan(low):
        said = "too few languages for an interval"
    elif high < 1 or low > 1:
        said = f"{other} loses {'less' if high < 1 else 'more'}"
    return (
        f"{other} / {grid.baseline} over {len(quotients)} languages: "
        f"{with_interval(mean, low, high)}, {said}; lower in {int((quotients < 1).sum())} "
        "languages."
    )
