"""A panel per task, languages side by side, methods as marks around the dense model's level."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from multiprune.experiment.grid import CALIBRATION, DENSE, Grid
from multiprune.figures import style

WIDEST = 13.0  # inches
LETTER = 0.075  # inches, the mean width of one with its share of space
HALF = 0.42  # of a language's place, which is 1 wide
CHANCE = {"color": style.REFERENCE, "linewidth": 1.0, "linestyle": ":"}

Panel = tuple[str, float]  # task, sparsity


def with_dense(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of pruned models, and those of dense at each sparsity that its task has (or at 0)."""
    dense, pruned = rows[rows["method"] == DENSE], rows[rows["method"] != DENSE]
    places = pruned[["task", "sparsity"]].drop_duplicates()
    repeated = dense.drop(columns="sparsity").merge(places, on="task")
    alone = dense[~dense["task"].isin(places["task"])]
    return pd.concat([repeated, pruned, alone], ignore_index=True)


def ordered_languages(names: pd.Series, grid: Grid) -> list[str]:
    """Calibration languages of the config first, by label."""
    return sorted(
        names.unique(),
        key=lambda name: (grid.config_role(name) != CALIBRATION, style.language_label(name, grid)),
    )


def method_looks(methods: list[str], grid: Grid) -> dict[str, dict]:
    """Colour and marker of each pruned method; both, so that either is enough to tell them."""
    colours = style.method_colours(grid)
    return {
        method: {
            "color": colours[method],
            "marker": style.MARKERS[index % len(style.MARKERS)],
            "markersize": 4,
        }
        for index, method in enumerate(methods)
    }


def draw_panels(
    rows: pd.DataFrame,
    titles: Mapping[str, str],
    chance: Mapping[str, float],
    label: str,
    grid: Grid,
) -> Figure:
    """rows: task, sparsity, method, language, value, low, high; titles, chance by task."""
    rows = with_dense(rows)
    panels = list(rows[["task", "sparsity"]].drop_duplicates().itertuples(index=False, name=None))
    panels.sort()
    methods = [m for m in style.method_order(rows["method"], grid) if m != DENSE]
    looks = method_looks(methods, grid)
    several = rows["sparsity"].nunique() > 1
    slot = max(0.42, 0.05 * len(methods) + 0.14)
    most = rows.groupby("task")["language"].nunique().max()
    width = max(2.3, slot * most + 0.5)
    columns = style.balanced_columns(len(panels), max(1, int((WIDEST - 0.4) // width)))
    lines = -(-len(panels) // columns)
    width = max(width, 4.4 / columns)
    figure = style.new_figure(width * columns + 0.4, 2.15 * lines + 0.75)
    drawn = style.panel_grid(figure, len(panels), columns)
    for axes, (task, sparsity) in zip(drawn, panels, strict=True):
        here = rows[(rows["task"] == task) & (rows["sparsity"] == sparsity)]
        title = titles[task] + (f", sparsity {sparsity:g}" if several else "")
        axes.set_title(title, loc="left")
        _panel(axes, here, looks, chance.get(task, math.nan), grid, width)
    figure.supylabel(label, fontsize=9)
    single = None if several else rows["sparsity"].iloc[0]
    _legend(figure, looks, DENSE in set(rows["method"]), bool(chance), single)
    return figure


def _panel(
    axes: Axes, rows: pd.DataFrame, looks: Mapping, chance: float, grid: Grid, width: float
) -> None:
    """One task at one sparsity; `width` of the panel in inches."""
    languages = ordered_languages(rows["language"], grid)
    places = {language: index for index, language in enumerate(languages)}
    axes.grid(axis="y")
    if not math.isnan(chance):
        axes.axhline(chance, zorder=0.5, **CHANCE)
    trained = sum(grid.config_role(name) == CALIBRATION for name in languages)
    if 0 < trained < len(languages):
        axes.axvline(trained - 0.5, color="0.8", linewidth=0.8, zorder=0.4)
    step = 2 * HALF / max(len(looks), 1)
    shifts = {method: (index + 0.5) * step - HALF for index, method in enumerate(looks)}
    for method, here in rows.groupby("method"):
        at = here["language"].map(places)
        if method == DENSE:
            axes.bar(at, here["high"] - here["low"], 2 * HALF, here["low"], color="0.9", zorder=0.3)
            axes.hlines(here["value"], at - HALF, at + HALF, color="black", linewidth=1.3, zorder=2)
        else:
            at, look = at + shifts[method], looks[method]
            axes.vlines(at, here["low"], here["high"], color=look["color"], linewidth=1.1, zorder=2)
            axes.plot(at, here["value"], linestyle="none", zorder=3, **look)
    axes.set_xlim(-0.5, len(languages) - 0.5)
    _fit(axes, rows[["low", "high", "value"]], chance)
    labels = [style.language_label(name, grid) for name in languages]
    slanted = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    fits = max(map(len, labels)) * LETTER * len(labels) < width
    axes.set_xticks(range(len(languages)), labels, **({} if fits else slanted))
    axes.tick_params(axis="x", length=0)


def _fit(axes: Axes, values: pd.DataFrame, chance: float) -> None:
    """Limits that hold every interval and the chance line; bars would start the axis at 0."""
    low = np.nanmin([values.min(axis=None), chance])
    high = np.nanmax([values.max(axis=None), chance])
    margin = max(0.06 * (high - low), 0.01)
    axes.set_ylim(low - margin, high + margin)


def _legend(figure: Figure, looks: Mapping, dense: bool, chance: bool, sparsity) -> None:
    handles = [
        Line2D([], [], linewidth=1.1, label=method, **look) for method, look in looks.items()
    ]
    if dense:
        level = Line2D([], [], color="black", linewidth=1.3, label=DENSE)
        handles = [level, Patch(color="0.9", label=f"interval of {DENSE}"), *handles]
    if chance:
        handles.append(Line2D([], [], label="chance", **CHANCE))
    title = f"Sparsity {sparsity:g}" if sparsity else None
    columns = min(len(handles), max(2, int(figure.get_figwidth() // 1.5)))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, title=title)
