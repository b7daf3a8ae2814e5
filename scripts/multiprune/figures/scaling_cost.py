"""What more calibration languages cost: time and disk of statistics, time and memory of masks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import Grid
from multiprune.experiment.subsets import GREEDY
from multiprune.figures import style
from multiprune.figures.wording import Tables, document, number, sentence

TABLES = ("scaling_cost",)
STANDARD = False
TITLE = "Cost of calibration languages"
PLACE = 45
EMPTY = "No cost of statistics or masks was recorded."
STATISTICS, MASK = "statistics", "mask"
PANELS = {  # title: the column, its label, the steps that are shown
    "time of statistics": ("seconds", "Seconds, cumulative", (STATISTICS,)),
    "time of a mask": ("seconds", "Seconds", (MASK,)),
    "memory of a mask": ("memory_mb", "Peak memory (MB)", (MASK,)),
    "disk": ("megabytes", "Megabytes", (STATISTICS, MASK)),
}
LINE = {"color": "black", "linewidth": 1.2}


def select(cost: pd.DataFrame, grid: Grid) -> dict[str, pd.DataFrame]:
    """Panel -> step, curve, languages, value; only panels that have values.

    curve: the method that the mask belongs to, with all languages and otherwise equal options;
    a method outside any curve stands for itself.
    """
    shown = {}
    for title, (column, _, steps) in PANELS.items():
        rows = cost[cost["step"].isin(steps)].dropna(subset=column)
        if len(rows):
            curves = [_curve(method, grid) for method in rows["method"]]
            rows = rows.assign(curve=curves, value=rows[column])
            rows = rows[["step", "curve", "languages", "value"]]
            shown[title] = rows.sort_values(["step", "languages"]).reset_index(drop=True)
    return shown


def _curve(method: object, grid: Grid) -> str:
    return grid.methods[method].get("curve") or method if method in grid.methods else ""


def slope(rows: pd.DataFrame) -> float:
    """Of the straight line through the origin that fits best (least squares), per language."""
    languages = rows["languages"].astype(float)
    return float((languages * rows["value"]).sum() / (languages**2).sum())


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: scaling_cost of one model."""
    shown = select(tables["scaling_cost"], grid)
    if not shown:
        return style.empty_figure(EMPTY)
    curves = {curve for rows in shown.values() for curve in rows["curve"]} - {""}
    looks = style.curve_looks(style.method_order(curves, grid))
    columns = style.balanced_columns(len(shown), 2)
    lines = -(-len(shown) // columns)
    figure = style.new_figure(max(3.3 * columns, 4.2), 2.3 * lines + 0.8)
    panels = style.panel_grid(figure, len(shown), columns)
    for axes, (title, rows) in zip(panels, shown.items(), strict=True):
        _panel(axes, rows, looks)
        if title == "time of statistics":
            _fit(axes, rows)
        axes.set_title(title, loc="left")
        axes.set_ylabel(PANELS[title][1])
    figure.supxlabel("Calibration languages", fontsize=9)
    _legend(figure, looks, any((rows["step"] == STATISTICS).any() for rows in shown.values()))
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, dict]) -> None:
    axes.grid()
    statistics = rows[rows["step"] == STATISTICS]
    axes.plot(statistics["languages"], statistics["value"], marker=".", markersize=4, **LINE)
    for curve, here in rows[rows["step"] == MASK].groupby("curve"):
        axes.plot(
            here["languages"], here["value"], linestyle="none", markersize=4, alpha=0.7,
            **looks[curve],
        )  # fmt: skip
    axes.set_xlim(0, 1.05 * rows["languages"].max())
    axes.set_ylim(0, max(1.1 * rows["value"].max(), 1e-9))


def _fit(axes: Axes, rows: pd.DataFrame) -> None:
    per_language, most = slope(rows), rows["languages"].max()
    axes.plot(
        [0, most], [0, per_language * most], color=style.PALETTE[3], linewidth=1, linestyle="--",
    )  # fmt: skip
    axes.text(
        0.04, 0.95, f"{per_language:.3g} s per language", transform=axes.transAxes, va="top",
        fontsize=8, color=style.PALETTE[3],
    )  # fmt: skip


def _legend(figure: Figure, looks: Mapping[str, dict], statistics: bool) -> None:
    handles = [Line2D([], [], marker=".", markersize=4, label=STATISTICS, **LINE)] * statistics
    handles += [
        Line2D([], [], linestyle="none", markersize=4, label=f"mask, {curve}", **look)
        for curve, look in looks.items()
    ]
    style.outside_legend(figure, handles)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    panels = select(tables["scaling_cost"], grid)
    if not panels:
        return document(EMPTY)
    shown = (
        f"What calibration languages cost, {model}, from the jobs' benchmarks and file sizes; "
        "what else ran on the machine is in the times. Statistics are "
        "collected once for each language and serve every mask, so they are shown cumulatively. "
        "Marks of masks are coloured by the method that uses all languages."
    )
    if any((entry.get("subset") or {}).get("choice") == GREEDY for entry in grid.methods.values()):
        shown += " Greedy choices read the checksums of the whole pool's statistics, too."
    findings = [_cost(title, rows) for title, rows in panels.items()]
    return document(shown, " ".join(findings))


def _cost(title: str, rows: pd.DataFrame) -> str:
    statistics = rows[rows["step"] == STATISTICS]
    masks = rows[rows["step"] == MASK]
    unit = {"time of statistics": "s", "time of a mask": "s"}.get(title, "MB")
    parts = []
    if len(statistics):
        last = statistics.iloc[-1]
        parts.append(
            f"statistics of {last['languages']:.0f} languages {number(last['value'])} {unit}, "
            f"{number(slope(statistics))} {unit} for each (line through the origin)"
        )
    if len(masks):
        ends = [masks[masks["languages"] == masks["languages"].agg(end)] for end in ("min", "max")]
        few, many = (
            f"{number(end['value'].median())} {unit} with {end['languages'].iloc[0]:.0f}"
            for end in ends
        )
        parts.append(f"a mask {few} and {many} languages (medians, {len(masks)} masks in all)")
    return f"{sentence(title)}: {'; '.join(parts)}."
