"""How well models translate into the reference language, by language and method."""

import pandas as pd
from matplotlib.figure import Figure

from multiprune.experiment.grid import Grid
from multiprune.figures import language_panels, style
from multiprune.figures.accuracies import items, means_of_draws, sides
from multiprune.figures.wording import Tables, document, own_languages

TABLES = ("translation",)
STANDARD = True
TITLE = "Translation"
PLACE = 31
EMPTY = "No translation was evaluated."
NAMES = {"bleu": "BLEU", "chrf": "chrF"}
CHRF = "chrf"  # the metric that captions speak of: the steadier one with few sentences


def select(translation: pd.DataFrame) -> pd.DataFrame:
    """task (with its metric), sparsity, method, language, value, low, high; means over seeds.

    Seeds share their sentences, so that more of them do not narrow an interval: its ends are
    averaged.
    """
    rows = translation[translation["score"].notna()]
    rows = rows.assign(task=rows["task"] + ": " + rows["metric"].map(NAMES))
    shown = {"value": "score", "low": "score_ci_low", "high": "score_ci_high"}
    means = rows.groupby(["task", "sparsity", "method", "language"]).agg(
        **{name: (column, "mean") for name, column in shown.items()}
    )
    return means.reset_index()


def draw(tables: Tables, grid: Grid) -> Figure:
    """tables: translation of one model."""
    rows = select(tables["translation"])
    if rows.empty:
        return style.empty_figure(EMPTY)
    titles = {task: task for task in rows["task"]}
    return language_panels.draw_panels(rows, titles, {}, "Score", grid)


def caption(tables: Tables, grid: Grid, model: str) -> str:
    """What it shows, and what is seen in it."""
    table = tables["translation"]
    rows = select(table)
    if rows.empty:
        return document(EMPTY)
    shown = (
        f"BLEU and chrF of translations into the reference language, {model}, few-shot and greedy. "
        "The line across a language is the dense model, its grey band and the bars of the methods "
        f"are {grid.confidence:.0%} intervals of each score by itself (bootstrap over sentences). "
        "Models translate the same sentences, so overlapping bars do not mean that two methods are "
        f"alike: the paired intervals below decide. {sides(rows, grid)}"
    )
    best = table[(table["metric"] == CHRF) & table["score"].notna()]
    others = best[best["baseline_ci_low"].notna() & (best["method"] != grid.baseline)]
    order = style.method_order(others["method"], grid)
    findings = [_against(method, best, grid) for method in order]
    return document(
        shown,
        " ".join(findings),
        own_languages(rows["method"], grid),
        f"{items(best)} {means_of_draws(table)}",
    )


def _against(method: str, rows: pd.DataFrame, grid: Grid) -> str:
    """In how many languages a method's paired interval excludes no difference in chrF."""
    own = rows[(rows["method"] == method) & rows["baseline_ci_low"].notna()]
    better = int((own["baseline_ci_low"] > 0).sum())
    worse = int((own["baseline_ci_high"] < 0).sum())
    mean = own["difference_to_baseline"].mean()
    return (
        f"{method} against {grid.baseline}: better in {better}, worse in {worse}, not "
        f"distinguishable in {len(own) - better - worse} of {len(own)} comparisons of chrF "
        f"(paired, not corrected); mean difference {mean:+.1f}."
    )
