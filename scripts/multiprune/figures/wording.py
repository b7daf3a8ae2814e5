"""Figure captions in reStructuredText, every number computed from the table that is drawn.

A difference is called one only where its interval excludes 1.
"""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from multiprune.experiment.grid import CALIBRATION, DENSE, MARK, UNSEEN, Grid
from multiprune.figures import (
    cross_lingual_correlation,
    method_comparison,
    perplexity_by_language,
    ratio_to_baseline,
    sparsity_by_block,
    style,
)

Tables = Mapping[str, pd.DataFrame]


def perplexity_over_sparsity(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `perplexity_by_language`."""
    lines = perplexity_by_language.select(tables["perplexity"], grid)
    if lines.empty:
        return document(perplexity_by_language.EMPTY)
    shown = (
        f"Perplexity of each language under rising sparsity, {model}; one panel a method, "
        "dense at sparsity 0. A solid line is a language that the method was calibrated on, a "
        "dashed line an unseen one. Perplexities of different languages cannot be compared with "
        "each other, since the tokenizer splits them differently; their growth can."
    )
    findings = []
    for method in style.method_order(lines["method"], grid):
        line = lines[lines["method"] == method]
        top = line["sparsity"].max()
        ends = line[line["sparsity"] == top].set_index("language")["perplexity"]
        start = line[line["sparsity"] == 0].set_index("language")["perplexity"]
        growth = (ends / start).sort_index()
        findings.append(
            f"{method} at sparsity {top:g}: from {number(growth.min())} times dense "
            f"({style.language_label(growth.idxmin(), grid)}) to {number(growth.max())} times "
            f"({style.language_label(growth.idxmax(), grid)})."
        )
    return document(shown, " ".join(findings), _measured(grid) + _seeds(grid))


def comparison_of_methods(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `method_comparison`."""
    summary = tables["summary"]
    rows = method_comparison.select(summary)
    if rows.empty:
        return document(method_comparison.EMPTY)
    shown = (
        f"Geometric mean of the languages' perplexities relative to the dense model and to "
        f"{grid.baseline}, {model}, with {grid.confidence:.0%} intervals. "
        "Languages are grouped by their role in the config, so that all methods are compared over "
        "the same languages. The ratio to the baseline is paired and decides between methods; an "
        "arrow with a number marks a ratio outside the axis."
    )
    whole = summary[(summary["language_set"] == "all") & (summary["method"] != DENSE)]
    findings = [
        _comparison_at(sparsity, whole[whole["sparsity"] == sparsity], grid)
        for sparsity in sorted(rows["sparsity"].unique())
    ]
    return document(shown, " ".join(findings), _measured(grid) + _intervals(grid) + _seeds(grid))


def comparison_by_language(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `ratio_to_baseline`."""
    cells = ratio_to_baseline.select(tables["perplexity"], grid)
    if cells.empty:
        return document(ratio_to_baseline.EMPTY)
    shown = (
        f"Perplexity relative to {grid.baseline} at the same sparsity by language and method, "
        f"{model}: below 1 (blue) is better than {grid.baseline}, above 1 (red) worse. "
        "Calibration languages (config) stand above the line, unseen ones below. Colour is on a "
        "log scale and stops at its ends; the number in a cell is exact. Bold: the "
        f"{grid.confidence:.0%} interval of every seed excludes 1 on the same side, without "
        "correction for the number of cells."
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
    return document(
        shown,
        " ".join(findings),
        _measured(grid) + _windows(tables["perplexity"], grid) + _intervals(grid) + _seeds(grid),
    )


def allocation_by_block(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `sparsity_by_block`."""
    rows = sparsity_by_block.select(tables["allocation"], grid)
    if rows.empty:
        return document(sparsity_by_block.EMPTY)
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
    return document(shown, " ".join(findings), spread)


def correlation_between_languages(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `cross_lingual_correlation`."""
    table = tables["correlation"]
    rows = cross_lingual_correlation.select(table)
    if rows.empty:
        return document(cross_lingual_correlation.EMPTY)
    pairs = table.dropna(subset="correlation").groupby(["language_a", "language_b"])
    means = pairs["correlation"].mean()
    names = {name for pair in means.index for name in pair}
    shown = (
        f"How alike the languages use the channels of {model}: Pearson correlation over channels "
        "of the activation norms of two languages, dense model, calibration text. Left: by block "
        f"and module input, mean and 10 to 90 percent of {len(means)} pairs of {len(names)} "
        "calibration languages. Right: mean over blocks and inputs for each pair, alike languages "
        "side by side (average linkage)."
    )
    inputs = rows.groupby("input")["mean"]
    ranges = "; ".join(
        f"{name} {low:.2f} to {high:.2f}"
        for name, low, high in zip(inputs.groups, inputs.min(), inputs.max(), strict=True)
    )
    labels = [
        " and ".join(style.language_label(name, grid) for name in pair)
        for pair in (means.idxmin(), means.idxmax())
    ]
    finding = (
        f"Mean correlation by block ranges over {ranges}. Least alike are {labels[0]} "
        f"({means.min():.2f}), most alike {labels[1]} ({means.max():.2f})."
    )
    seeds = table["seed"].nunique()
    return document(shown, finding, f"Mean of {seeds} calibration draws." if seeds > 1 else "")


def verdict(low: float, high: float, baseline: str) -> str:
    """What an interval of the ratio to the baseline allows to say."""
    if np.isnan(low):
        return "no interval, a language has fewer than three windows"
    if round(low, 3) <= 1 <= round(high, 3):  # as printed, so that text and numbers agree
        return f"not distinguishable from {baseline}"
    return f"{'lower' if high < 1 else 'higher'} perplexity than {baseline}"


def _comparison_at(sparsity: float, rows: pd.DataFrame, grid: Grid) -> str:
    rows = rows.set_index("method")
    methods = style.method_order(rows.index, grid)
    if grid.baseline not in rows.index:
        parts = [
            f"{method} {_with_interval(rows.loc[method], 'ratio_to_dense', 'ci')}"
            for method in methods
        ]
        return f"At sparsity {sparsity:g}, times dense over all languages: {'; '.join(parts)}."
    base = _with_interval(rows.loc[grid.baseline], "ratio_to_dense", "ci")
    parts = []
    for method in methods:
        row = rows.loc[method]
        if method != grid.baseline and pd.notna(row["ratio_to_baseline"]):
            ratio = _with_interval(row, "ratio_to_baseline", "baseline_ci")
            said = verdict(row["baseline_ci_low"], row["baseline_ci_high"], grid.baseline)
            parts.append(f"{method} / {grid.baseline} = {ratio}, {said}")
    start = (
        f"At sparsity {sparsity:g} the geometric-mean perplexity over all languages is {base} "
        f"times dense for {grid.baseline}"
    )
    return "; ".join([start, *parts]) + "."


def _with_interval(row: pd.Series, ratio: str, prefix: str) -> str:
    low, high = row[f"{prefix}_low"], row[f"{prefix}_high"]
    interval = "" if np.isnan(low) else f" [{number(low)}, {number(high)}]"
    return f"{number(row[ratio])}{interval}"


def number(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.4g}"


def _measured(grid: Grid) -> str:
    roles = [grid.config_role(language) for language in grid.evaluated]
    return (
        f"n = {len(roles)} languages ({roles.count(CALIBRATION)} calibration, "
        f"{roles.count(UNSEEN)} unseen), {grid.split} split, context of {grid.length} tokens. "
    )


def _intervals(grid: Grid) -> str:
    return (
        f"Intervals: paired percentile bootstrap over test windows within each language "
        f"({grid.draws} draws). They cover the choice of test items only, not the calibration "
        "text, the languages or the model, and with few windows they are too narrow: about 82 of "
        "100 such 95% intervals hold the truth with 5 windows, 91 with 10. "
    )


def unknown_languages(tables: Tables, grid: Grid) -> tuple[Grid, str]:
    """The grid with a mark at the languages that the tokenizer hardly knows, and what it means.

    An empty sentence where there are none among the rows of the tables.
    """
    rows = tables.get("perplexity")
    if rows is not None and rows["note"].notna().any():
        noted = rows[rows["note"].notna()].groupby("language")["unknown_share"].first()
        marked = grid.marking(noted.index)
        names = [
            f"{style.language_label(name, marked)} ({share:.0%})" for name, share in noted.items()
        ]
        return marked, (
            f"{MARK} The tokenizer does not know many of the language's test tokens: "
            f"{', '.join(names)}. Its perplexity says little and counts in no mean and no claim."
        )
    summary = tables.get("summary")
    notes = [] if summary is None else sorted(set(summary["note"].dropna()))
    return grid, f"Means are {'; '.join(notes)}." if notes else ""


def _windows(table: pd.DataFrame, grid: Grid) -> str:
    counts = np.ceil(table["tokens"] / grid.length).astype(int)
    return f"Windows per language: {counts.min()} to {counts.max()}. "


def _seeds(grid: Grid) -> str:
    count = len(grid.seeds)
    if count == 1:
        return "One calibration draw (seed)."
    return (
        f"Geometric mean over {count} calibration draws (seeds); methods without calibration "
        "have one result."
    )


def document(*paragraphs: str) -> str:
    """Paragraphs as reStructuredText, with its special characters escaped."""
    escaped = [re.sub(r"([\\*_`|])", r"\\\1", text.strip()) for text in paragraphs if text]
    return "\n\n".join(escaped) + "\n"
