"""Heat map of perplexity relative to the baseline, by language and method."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from multiprune.experiment.grid import CALIBRATION, DENSE, Grid
from multiprune.figures import style
from multiprune.figures.wording import (
    Tables,
    document,
    geometric_mean_of_draws,
    intervals_over_windows,
    measured_languages,
    own_languages,
)

TABLES = ("perplexity",)
STANDARD = True
TITLE = "By language, against the baseline"
PLACE = 20
EMPTY = "No method can be compared with the baseline: it shares no sparsity with another method."
NEAR = np.log2(1.25)  # larger ratios are drawn in the colour at the end of the scale
WIDEST, LOWEST = 14.0, 2.8  # inches; a lower figure cuts the label of the colour bar


def select(perplexity: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """method, sparsity, language, ratio (geometric mean over seeds), clear.

    clear: the interval of every seed lies on the same side of 1.
    """
    rows = perplexity[
        perplexity["ratio_to_baseline"].notna()
        & ~perplexity["method"].isin([DENSE, grid.baseline])
    ]  # fmt: skip
    rows = rows.assign(
        below=rows["baseline_ci_high"] < 1,
        above=rows["baseline_ci_low"] > 1,
    )
    groups = rows.groupby(["method", "sparsity", "language"])
    cells = groups.agg(
        ratio=("ratio_to_baseline", style.geometric_mean),
        below=("below", "all"),
        above=("above", "all"),
    ).reset_index()
    return cells.assign(clear=cells["below"] | cells["above"]).drop(columns=["below", "above"])


def colour_limit(log_ratios: np.ndarray) -> float:
    """Half width of the colour scale in log2: the largest ratio that is not far out."""
    near = np.abs(log_ratios)[np.abs(log_ratios) <= NEAR]
    return float(max(near.max() if near.size else NEAR, np.log2(1.05)))


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: perplexity of one model."""
    cells = select(tables["perplexity"], grid)
    if cells.empty:
        return style.empty_figure(EMPTY)
    order = style.language_order(tables["perplexity"], grid)
    languages = [name for name in order if name in set(cells["language"])]
    methods = {
        sparsity: style.method_order(here["method"], grid)
        for sparsity, here in cells.groupby("sparsity")
    }
    sparsities = sorted(methods)
    widths = [0.5 * len(methods[sparsity]) + 0.3 for sparsity in sparsities]
    columns = style.balanced_columns(len(sparsities), max(1, int((WIDEST - 2) // max(widths))))
    if sum(widths) <= WIDEST - 2:
        columns = len(sparsities)
    rows = -(-len(sparsities) // columns)
    by_column = [max(widths[column::columns]) for column in range(columns)]
    figure = style.new_figure(
        max(sum(by_column) + 2.4, 4.2),
        max(rows * (0.24 * len(languages) + 1.1) + 0.3, LOWEST),
    )
    panels = style.panel_grid(
        figure, len(sparsities), columns, sharey=True, gridspec_kw={"width_ratios": by_column}
    )
    log_ratios = np.log2(cells["ratio"].to_numpy())
    limit = colour_limit(log_ratios)
    for axes, sparsity in zip(panels, sparsities, strict=True):
        here = cells[cells["sparsity"] == sparsity]
        image = _heat_map(axes, here, languages, methods[sparsity], limit)
        axes.set_title(f"sparsity {sparsity:g}")
    labels = [style.language_label(name, grid) for name in languages]
    panels[0].set_yticks(range(len(languages)), labels)
    trained = sum(grid.config_role(name) == CALIBRATION for name in languages)
    if 0 < trained < len(languages):
        for axes in panels:
            axes.axhline(trained - 0.5, color="black", linewidth=1.2)
    _colour_bar(figure, panels, image, limit, log_ratios, grid)
    return figure


def _heat_map(
    axes: Axes, cells: pd.DataFrame, languages: list, methods: list, limit: float
) -> AxesImage:
    table = cells.pivot(index="language", columns="method", values="ratio")
    table = table.reindex(index=languages, columns=methods)
    clear = cells.set_index(["language", "method"])["clear"]
    colours = np.log2(table.to_numpy())
    image = axes.imshow(
        colours, cmap=sns.color_palette("vlag", as_cmap=True), vmin=-limit, vmax=limit,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks(range(len(methods)), methods, rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for row, language in enumerate(languages):
        for column, method in enumerate(methods):
            ratio = table.iat[row, column]
            if not np.isnan(ratio):
                axes.text(
                    column, row, _printed(ratio),
                    ha="center", va="center", fontsize=8,
                    fontweight="bold" if clear[language, method] else "normal",
                    color="white" if abs(colours[row, column]) > 0.6 * limit else "black",
                )  # fmt: skip
    return image


def _printed(ratio: float) -> str:
    """Two decimals, and a third where two would print 1 for another ratio."""
    if ratio >= 9.995:
        return f"{ratio:.3g}"
    return f"{ratio:.3f}" if round(ratio, 2) == 1 != ratio else f"{ratio:.2f}"


def _colour_bar(
    figure: Figure, panels: list, image: AxesImage, limit: float, values: np.ndarray, grid: Grid
) -> None:
    below, above = values.min() < -limit, values.max() > limit
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}
    bar = figure.colorbar(
        image, ax=panels, extend=extend.get((below, above), "neither"), fraction=0.05, aspect=25
    )
    ticks = style.log_ticks(2**-limit, 2**limit)
    bar.set_ticks(np.log2(ticks), labels=[f"{tick:g}" for tick in ticks])
    bar.set_label(f"Perplexity relative to {grid.baseline}\n(colour on a log₂ scale)")
    bar.outline.set_visible(False)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    cells = select(tables["perplexity"], grid)
    if cells.empty:
        return document(EMPTY)
    shown = (
        f"Perplexity relative to {grid.baseline} at the same sparsity by language and method, "
        f"{model}: below 1 (blue) is better than {grid.baseline}, above 1 (red) worse. "
        "Calibration languages of the config stand above the line, those that no method saw "
        "below. Colour is on a log scale and stops at its ends; the number in a cell does not. "
        f"Bold: the {grid.confidence:.0%} interval of every seed excludes 1 on the same side, "
        "without correction for the number of cells."
    )
    findings = []
    for sparsity, here in cells.groupby("sparsity"):
        parts = []
        for method in style.method_order(here["method"], grid):
            mine = here[here["method"] == method]
            better = int((mine["clear"] & (mine["ratio"] < 1)).sum())
            worse = int((mine["clear"] & (mine["ratio"] > 1)).sum())
            parts.append(
                f"{method} is better in {better}, worse in {worse} and not distinguishable in "
                f"{len(mine) - better - worse} of {len(mine)} languages"
            )
        findings.append(f"At sparsity {sparsity:g}, {'; '.join(parts)}.")
    basis = [
        measured_languages(grid),
        _windows(tables["perplexity"], grid),
        intervals_over_windows(grid, each_seed=True),
        geometric_mean_of_draws(grid),
    ]
    return document(
        shown,
        " ".join(findings),
        own_languages(cells["method"], grid),
        " ".join(basis),
    )


def _windows(table: pd.DataFrame, grid: Grid) -> str:
    counts = np.ceil(table["tokens"] / grid.length).astype(int)
    fewest, most = counts.min(), counts.max()
    return f"Windows per language: {fewest if fewest == most else f'{fewest} to {most}'}."
