"""Sparsity that each non-uniform allocation gave to each block."""

from collections.abc import Mapping

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures.wording import Tables, document

TABLES = ("allocation",)
STANDARD = True
TITLE = "Sparsity by block"
PLACE = 60
EMPTY = "Every method of this experiment allocates sparsity uniformly over the blocks."
UNIFORM = "uniform"
MOST_LINES = 4  # more methods than this get a panel each instead of a line each


def select(allocation: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """method, sparsity, block, mean, least, most over seeds, of non-uniform allocations."""
    shaped = [
        method
        for method, settings in grid.methods.items()
        if settings.get("allocation", UNIFORM) != UNIFORM
    ]
    rows = allocation[allocation["method"].isin(shaped)]
    achieved = rows.groupby(["method", "sparsity", "block"])["achieved"]
    return achieved.agg(mean="mean", least="min", most="max").reset_index()


def merge_identical(rows: pd.DataFrame, methods: list[str]) -> dict[str, str]:
    """Method -> label of its line; methods with the same numbers wherever both ran share one.

    An allocation may not depend on the score, so that several methods cut blocks alike.
    """
    tables = {
        method: rows[rows["method"] == method].set_index(["sparsity", "block"])["mean"]
        for method in methods
    }
    groups: list[list[str]] = []
    for method in methods:
        alike = (g for g in groups if all(_same(tables[method], tables[name]) for name in g))
        if (group := next(alike, None)) is None:
            groups.append([method])
        else:
            group.append(method)
    return {method: ", ".join(group) for group in groups for method in group}


def _same(first: pd.Series, second: pd.Series) -> bool:
    both = pd.concat([first, second], axis=1, join="inner")
    return len(both) > 0 and bool((both.iloc[:, 0] == both.iloc[:, 1]).all())


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: allocation of one model."""
    rows = select(tables["allocation"], grid)
    if rows.empty:
        return style.empty_figure(EMPTY)
    methods = style.method_order(rows["method"], grid)
    sparsities = sorted(rows["sparsity"].unique())
    labels = merge_identical(rows, methods)
    rows = rows.assign(method=rows["method"].map(labels))
    rows = rows.drop_duplicates(["method", "sparsity", "block"])
    colours = {labels[method]: style.method_colours(grid)[method] for method in methods}
    methods = list(dict.fromkeys(labels.values()))
    if len(methods) <= MOST_LINES:
        panel_key, panel_names, line_key, line_names = "sparsity", sparsities, "method", methods
    else:
        panel_key, panel_names, line_key, line_names = "method", methods, "sparsity", sparsities
        shades = matplotlib.colormaps["cividis"]
        share = 0.85 / max(len(sparsities) - 1, 1)
        colours = {name: shades(index * share) for index, name in enumerate(sparsities)}
    count = len(panel_names)
    columns = 1 if count <= 3 else style.balanced_columns(count, 3)
    lines = -(-count // columns)
    figure = style.new_figure(min(4.6, 10 / columns) * columns + 1.6, max(1.8 * lines + 0.4, 2.4))
    panels = style.panel_grid(figure, count, columns, sharex=True, sharey=panel_key == "method")
    for axes, name in zip(panels, panel_names, strict=True):
        here = rows[rows[panel_key] == name]
        axes.set_title(name if panel_key == "method" else f"sparsity {name:g}", loc="left")
        _panel(axes, here, line_key, colours)
        _set_limits(axes, here if panel_key == "sparsity" else rows)
    figure.supxlabel("Block (0 is next to the embeddings)", fontsize=9)
    figure.supylabel("Achieved sparsity\n(share of weights removed)", fontsize=9)
    _legend(figure, line_key, line_names, colours)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, line_key: str, colours: Mapping) -> None:
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for sparsity in rows["sparsity"].unique():
        axes.axhline(sparsity, color=style.REFERENCE, linewidth=1, linestyle=":")
    for name, line in rows.groupby(line_key):
        line = line.sort_values("block")
        edges = [*(line["block"] - 0.5), line["block"].max() + 0.5]
        axes.stairs(
            line["most"], edges, baseline=line["least"], fill=True, alpha=0.2, color=colours[name]
        )
        axes.stairs(line["mean"], edges, baseline=None, linewidth=1.5, color=colours[name])


def _set_limits(axes: Axes, rows: pd.DataFrame) -> None:
    low, high = rows["least"].min(), rows["most"].max()
    margin = max(0.06 * (high - low), 0.005)
    axes.set_ylim(low - margin, high + margin)


def _legend(figure: Figure, line_key: str, names: list, colours: Mapping) -> None:
    handles = [
        Line2D([], [], color=colours[name], linewidth=1.5, label=str(name)) for name in names
    ]
    handles.append(Line2D([], [], color=style.REFERENCE, linewidth=1, linestyle=":", label=UNIFORM))
    title = "Allocation of" if line_key == "method" else "Sparsity"
    figure.legend(handles=handles, loc="outside right upper", title=title)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    rows = select(tables["allocation"], grid)
    if rows.empty:
        return document(EMPTY)
    shown = (
        f"Share of weights removed from each decoder block, {model}. The dotted line is what a "
        "uniform allocation takes; blocks below it keep more weights."
    )
    findings = []
    for sparsity, here in rows.groupby("sparsity"):
        for method in style.method_order(here["method"], grid):
            line = here[here["method"] == method].set_index("block")["mean"]
            findings.append(
                f"{method} at {sparsity:g}: from {line.min():.3f} (block {line.idxmin()}) to "
                f"{line.max():.3f} (block {line.idxmax()})."
            )
    seeds = tables["allocation"]["seed"].nunique()
    spread = f"Mean of {seeds} seeds, band from least to most." if seeds > 1 else ""
    lines = merge_identical(rows, style.method_order(rows["method"], grid))
    shared = [label for method, label in lines.items() if label.startswith(f"{method}, ")]
    alike = f"One line each, for cutting alike where they ran: {'; '.join(shared)}."
    return document(shown, alike if shared else "", " ".join(findings), spread)
