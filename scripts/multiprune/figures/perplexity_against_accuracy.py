"""What pruning costs in perplexity against what it costs in accuracy, language by language."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from multiprune.experiment.grid import DENSE, Grid
from multiprune.figures import language_panels, style
from multiprune.figures.accuracies import means_of_draws, one_metric, truncated
from multiprune.figures.wording import Tables, document, number, own_languages

TABLES = ("downstream", "perplexity")
STANDARD = True
TITLE = "Perplexity against accuracy"
PLACE = 32
EMPTY = "No pruned model has both a perplexity and a downstream score in one language."
NAMED = 15  # with more marks in a panel, languages are not written beside them
MEANS = 5  # with more languages, a method's mean over them is drawn as well
MOST_BARS = 40  # with more marks in a panel, bars would hide them
KEYS = ["task", "sparsity", "method", "language"]


def select(downstream: pd.DataFrame, perplexity: pd.DataFrame) -> pd.DataFrame:
    """task, sparsity, method, language, metric; ratio (perplexity to dense), loss (of accuracy).

    ratio, ratio_low, ratio_high are geometric means over seeds, loss, loss_low, loss_high (in
    percentage points, positive is worse than dense) arithmetic ones; ends of intervals likewise.
    """
    scores = one_metric(downstream)
    scores = scores[(scores["method"] != DENSE) & scores["difference_to_dense"].notna()]
    scores = scores.assign(
        loss=-100 * scores["difference_to_dense"],
        loss_low=-100 * scores["ci_high"],
        loss_high=-100 * scores["ci_low"],
    )
    ratios = perplexity.rename(
        columns={"ratio_to_dense": "ratio", "ci_low": "ratio_low", "ci_high": "ratio_high"}
    )
    run = ["seed", "method", "sparsity", "language"]
    ends = ["ratio", "ratio_low", "ratio_high"]
    both = scores.drop(columns=["ci_low", "ci_high"]).merge(ratios[[*run, *ends]], on=run)
    means = {name: (name, style.geometric_mean) for name in ends}
    means |= {name: (name, "mean") for name in ("loss", "loss_low", "loss_high")}
    return both.groupby([*KEYS, "metric"]).agg(**means).reset_index()


def method_means(points: pd.DataFrame) -> pd.DataFrame:
    """Means over languages: task, sparsity, method, ratio (geometric), loss."""
    groups = points.groupby(["task", "sparsity", "method"])
    return groups.agg(ratio=("ratio", style.geometric_mean), loss=("loss", "mean")).reset_index()


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: downstream and perplexity of one model."""
    points = select(tables["downstream"], tables["perplexity"])
    if points.empty:
        return style.empty_figure(EMPTY)
    tasks = sorted(points["task"].unique())
    methods = style.method_order(points["method"], grid)
    looks = language_panels.method_looks(methods, grid)
    sparsities = sorted(points["sparsity"].unique())
    columns = style.balanced_columns(len(tasks), 4)
    lines = -(-len(tasks) // columns)
    side = 4.2 if len(tasks) == 1 else 2.7
    figure = style.new_figure(side * columns + 1.7, max(0.85 * side * lines + 0.4, 2.6))
    panels = style.panel_grid(figure, len(tasks), columns, sharex=True)
    low, high = np.nanmin(points["ratio_low"]), np.nanmax(points["ratio_high"])
    low, high = np.nanmin([low, *points["ratio"], 1]), np.nanmax([high, *points["ratio"], 1.05])
    margin = (high / low) ** 0.05
    for axes, task in zip(panels, tasks, strict=True):
        here = points[points["task"] == task]
        axes.set_title(f"{task} ({here['metric'].iloc[0]})", loc="left")
        style.log_axis(axes, "x", low / margin, high * margin)
        _panel(axes, here, looks, sparsities)
    figure.supxlabel("Perplexity relative to dense (log scale)", fontsize=9)
    figure.supylabel("Accuracy lost against dense\n(percentage points)", fontsize=9)
    several = points.groupby("task")["language"].nunique().max() > MEANS
    _legend(figure, looks, sparsities, several)
    return figure


def _panel(axes: Axes, points: pd.DataFrame, looks: Mapping, sparsities: list[float]) -> None:
    axes.grid()
    axes.axhline(0, color=style.REFERENCE, linewidth=0.8, zorder=1)
    bars = len(points) <= MOST_BARS
    pale = {"markersize": 3, "alpha": 0.45}
    for (method, sparsity), here in points.groupby(["method", "sparsity"]):
        look = looks[method] | {"fillstyle": _fill(sparsity, sparsities)}
        if bars:
            thin = {"color": look["color"], "linewidth": 0.8, "alpha": 0.6, "zorder": 1.5}
            axes.hlines(here["loss"], here["ratio_low"], here["ratio_high"], **thin)
            axes.vlines(here["ratio"], here["loss_low"], here["loss_high"], **thin)
        look = look if bars else look | pale
        axes.plot(here["ratio"], here["loss"], linestyle="none", zorder=2, **look)
    if len(points) <= NAMED:
        methods = list(looks)
        for row in points.itertuples():
            other = methods.index(row.method) % 2  # so that neighbours do not meet
            axes.annotate(
                row.language, (row.ratio, row.loss), xytext=(-3, -10) if other else (3, 3),
                textcoords="offset points", ha="right" if other else "left",
                fontsize=8, color=looks[row.method]["color"],
            )  # fmt: skip
    if points["language"].nunique() > MEANS:
        for row in method_means(points).itertuples():
            look = looks[row.method] | {"fillstyle": _fill(row.sparsity, sparsities)}
            axes.plot(row.ratio, row.loss, linestyle="none", zorder=3, **_mean(look))


def _mean(look: Mapping) -> dict:
    """The look of a mean: large, framed in black unless the frame alone shows the colour."""
    frame = look["color"] if look.get("fillstyle") == "none" else "black"
    return look | {"markersize": 8, "markeredgecolor": frame, "markeredgewidth": 1.3}


def _fill(sparsity: float, sparsities: list[float]) -> str:
    return ("full", "none", "left", "right", "bottom", "top")[sparsities.index(sparsity) % 6]


def _legend(figure: Figure, looks: Mapping, sparsities: list[float], several: bool) -> None:
    handles = [
        Line2D([], [], linestyle="none", label=method, **look) for method, look in looks.items()
    ]
    sample = {"marker": "o", "color": style.REFERENCE, "linestyle": "none"}
    if len(sparsities) > 1:
        handles += [
            Line2D([], [], markersize=4, fillstyle=_fill(value, sparsities),
                   label=f"sparsity {value:g}", **sample)
            for value in sparsities
        ]  # fmt: skip
    if several:
        handles.append(
            Line2D([], [], label="mean of languages", **_mean(sample))
        )  # fmt: skip
    title = None if len(sparsities) > 1 else f"Sparsity {sparsities[0]:g}"
    figure.legend(handles=handles, loc="outside right upper", title=title)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    points = select(tables["downstream"], tables["perplexity"])
    if points.empty:
        return document(EMPTY)
    shown = (
        f"What pruning costs in perplexity and in accuracy, {model}: a mark is one method in one "
        "language, further right is a higher perplexity, further up a lower accuracy than the "
        f"dense model. Bars are paired {grid.confidence:.0%} intervals over test windows and over "
        f"items (ends averaged over seeds), left out where a panel has more than "
        f"{MOST_BARS} marks."
    )
    if points.groupby("task")["language"].nunique().max() > MEANS:
        shown += " A large mark is a method's mean over the languages."
    means = method_means(points)
    findings = []
    for (task, sparsity), here in means.groupby(["task", "sparsity"]):
        costs = "; ".join(
            f"{row.method} {number(row.ratio)} times, {row.loss:+.1f} points"
            for row in here.set_index("method")
            .loc[style.method_order(here["method"], grid)]
            .reset_index()
            .itertuples()
        )
        findings.append(f"{task} at sparsity {sparsity:g}: {costs}.")
    return document(
        shown,
        "Perplexity relative to dense and accuracy lost, means over languages. "
        + " ".join(findings),
        own_languages(points["method"], grid),
        _correlations(points),
        truncated(tables["downstream"], grid),
        means_of_draws(tables["downstream"]),
    )


def _correlations(points: pd.DataFrame) -> str:
    """Rank correlation of both losses by task, where there are enough marks to have one."""
    parts = []
    for task, here in points.groupby("task"):
        if len(here) > 2 and here["ratio"].nunique() > 1 and here["loss"].nunique() > 1:
            rank = here["ratio"].corr(here["loss"], method="spearman")
            parts.append(f"{task} {rank:.2f} ({len(here)} marks)")
    if not parts:
        return ""
    return (
        f"Rank correlation (Spearman) of the two: {', '.join(parts)}. The marks share model and "
        "items, so it has no p-value."
    )
