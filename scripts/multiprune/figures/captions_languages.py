"""Captions of the figures of many languages, every number computed from the tables drawn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.experiment.subsets import GREEDY, LARGEST, RANDOM
from multiprune.figures import (
    choice_of_languages,
    language_groups,
    language_structure,
    languages_needed,
    ratio_against_dense,
    ratio_by_family,
    scaling_cost,
    style,
)
from multiprune.figures.languages_needed import ALL, SETS
from multiprune.figures.wording import document, number

Tables = Mapping[str, pd.DataFrame]
NEAR = 1.01  # a ratio within this factor of that of all languages counts as reached
RULES = {
    GREEDY: "greedy: each next one is farthest, by its activation statistics, from those taken",
    LARGEST: "largest: those of most speakers",
}
CHANGE = {-1: "lower", 0: "not distinguishable", 1: "higher", None: "no intervals"}
SEPARATE = (
    "Points count as different where their intervals do not overlap; since the languages are the "
    "same, this misses small differences. Not corrected for the number of points."
)


def number_of_languages(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `languages_needed`."""
    rows = languages_needed.select(tables["scaling"])
    if rows.empty:
        return document(languages_needed.EMPTY)
    random = rows[rows["choice"] == RANDOM]
    sizes = ", ".join(map(str, sorted(random["size"].unique())))
    shown = (
        f"Perplexity relative to the dense model by the number of calibration languages, {model}, "
        f"sparsity {rows['sparsity'].iloc[0]:g}: nested random subsets of {sizes} "
        f"({_range(random['draws'])} of each size), then all languages of the pool (open marks). "
        f"Top: geometric mean over the evaluated languages, band {_intervals(grid)}. Bottom: the "
        "language that loses most, geometric mean over the draws, band from the least to the most "
        "of them. Both axes are logarithmic."
    )
    curves = style.method_order(rows["curve"], grid)
    findings = [_growth(rows[rows["curve"] == curve], curve, grid) for curve in curves]
    base = grid.baseline if grid.baseline in curves else curves[0]
    against = [_curves(rows, curve, base) for curve in curves if curve != base]
    compared = " ".join([*against, SEPARATE])
    return document(shown, *findings, compared, _sets(rows, grid))


def chosen_against_random(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `choice_of_languages`."""
    rows = choice_of_languages.select(tables["scaling"])
    if rows.empty:
        return document(choice_of_languages.EMPTY)
    rules = [rule for rule in choice_of_languages.CHOSEN if rule in set(rows["choice"])]
    shown = (
        f"Calibration languages chosen by a rule ({'; '.join(RULES[rule] for rule in rules)}) "
        f"against random subsets, {model}, sparsity {rows['sparsity'].iloc[0]:g}. Perplexity "
        f"relative to the dense model; bands and bars of geometric means are {_intervals(grid)}, "
        "those of the worst language the range over the draws. Both axes are logarithmic."
    )
    findings = [
        _rule(rows[rows["curve"] == curve], curve, rule)
        for curve in style.method_order(rows["curve"], grid)
        for rule in rules
    ]
    return document(shown, *findings, SEPARATE, _sets(rows, grid))


def loss_by_group(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `ratio_by_family`."""
    rows = ratio_by_family.select(tables["perplexity"], grid)
    kinds = ratio_by_family.kinds_of(rows)
    if not kinds:
        return document(ratio_by_family.EMPTY)
    shown = (
        f"Perplexity relative to the dense model by {' and by '.join(kinds)}, {model}, sparsity "
        f"{rows['sparsity'].iloc[0]:g}. A dot is a language, open where the method was not "
        "calibrated on it; a diamond is the geometric mean of a group, the line through it the "
        f"{grid.confidence:.0%} percentile bootstrap interval over its languages ({grid.draws} "
        f"draws; none below {ratio_by_family.FEWEST} languages, too narrow for a handful). In the "
        f"order of the means of {grid.baseline}; groups of one language are pooled."
    )
    findings = [
        _groups(ratio_by_family.group_means(rows, kind, grid), kind, grid) for kind in kinds
    ]
    return document(shown, " ".join(findings), _pairs(rows, grid), _measured(grid))


def loss_against_dense(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `ratio_against_dense`."""
    rows = ratio_against_dense.select(tables["perplexity"], grid)
    if rows.empty:
        return document(ratio_against_dense.EMPTY)
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
        findings.append(f"{method}: {_rank(ratio_against_dense.rank_correlation(x, y, grid))}.")
    note = (
        f"Intervals: percentile bootstrap over languages ({grid.draws} draws). Related languages "
        "are not independent, so they are too narrow. The dense model's loss stands on both axes, "
        "so that chance in it moves a mark along both."
    )
    return document(shown, " ".join(findings), note, _measured(grid))


def structure_of_languages(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `language_structure`."""
    matrices = language_structure.select(tables["structure"])
    if not matrices:
        return document(language_structure.EMPTY)
    whole = matrices[language_structure.WHOLE]
    count = len(whole)
    shown = (
        f"How alike {count} calibration languages use the channels of {model}: Pearson correlation "
        "over channels of the activation norms of two languages, mean over module inputs, dense "
        "model. Left: all blocks, alike languages side by side (average linkage on 1 - "
        "correlation, leaves ordered optimally); the strip has the colours of the families. Right: "
        "classical multidimensional scaling by depth, squared distance 2 (1 - correlation), turned "
        "towards the first map; scales differ from map to map."
    )
    above = whole.where(np.triu(np.ones((count, count), bool), 1)).stack().dropna()
    labels = [
        " and ".join(language_groups.label(name, grid) for name in pair)
        for pair in (above.idxmin(), above.idxmax())
    ]
    finding = (
        f"Mean correlation of the {len(above)} pairs {above.mean():.3f}; least alike are "
        f"{labels[0]} ({above.min():.3f}), most alike {labels[1]} ({above.max():.3f})."
    )
    shares = ", ".join(
        f"{share:.0%} ({depth})" for depth, (_, share) in language_structure.maps(matrices).items()
    )
    seeds = tables["structure"]["seed"].nunique()
    draws = f"Mean of {seeds} calibration draws." if seeds > 1 else "One calibration draw (seed)."
    return document(
        shown, f"{finding} Share of the variance that a map shows: {shares}.",
        _families(matrices, grid), draws,
    )  # fmt: skip


def cost_of_languages(tables: Tables, grid: Grid, model: str) -> str:
    """Caption of `scaling_cost`."""
    panels = scaling_cost.select(tables["scaling_cost"], grid)
    if not panels:
        return document(scaling_cost.EMPTY)
    shown = (
        f"What calibration languages cost, {model}, from the jobs' benchmarks and file sizes; "
        "what else ran on the machine is in the times. Statistics are "
        "collected once for each language and serve every mask, so they are shown cumulatively. "
        "Marks of masks are coloured by the method that uses all languages."
    )
    if any(entry.get("subset", {}).get("choice") == GREEDY for entry in grid.methods.values()):
        shown += " Greedy choices read the checksums of the whole pool's statistics, too."
    findings = [_cost(title, rows) for title, rows in panels.items()]
    return document(shown, " ".join(findings))


def _growth(rows: pd.DataFrame, curve: str, grid: Grid) -> str:
    """Smallest and largest number of languages of one curve, and from where on more add little."""
    parts = []
    for name in languages_needed.sets_of(rows):
        line = rows[rows["language_set"] == name].sort_values("size").reset_index(drop=True)
        first, last = line.iloc[0], line.iloc[-1]
        parts.append(
            f"{_set(name)}: {_ratio(first)} with {first['size']}, {_ratio(last)} with "
            f"{last['size']}, {CHANGE[_separate(last, first)]}; {_reached(line)}; worst language "
            f"{number(first['worst_ratio'])} ({_name(first['worst_language'], grid)}), then "
            f"{number(last['worst_ratio'])} ({_name(last['worst_language'], grid)})"
        )
    return f"{curve}. {'. '.join(part[0].upper() + part[1:] for part in parts)}."


def _reached(line: pd.DataFrame) -> str:
    """From which number of languages on the ratio stays within a factor of that of all."""
    if line["choice"].iloc[-1] != ALL:
        return "all languages were not measured"
    whole = line["ratio_to_dense"].iloc[-1]
    far = line[line["ratio_to_dense"] > NEAR * whole]
    subsets = line[line["choice"] == RANDOM]
    after = subsets[subsets["size"] > far["size"].max()] if len(far) else subsets
    percent = f"{NEAR - 1:.0%}"
    if after.empty:
        return f"no smaller number stays within {percent} of all"
    return f"at most {percent} above all from random subsets of {after['size'].min()} on"


def _curves(rows: pd.DataFrame, curve: str, base: str) -> str:
    """How often a curve lies below or above another at the same number and set of languages."""
    keys = ["choice", "size", "language_set"]
    both = rows[rows["curve"] == curve].merge(rows[rows["curve"] == base], on=keys)
    return f"{curve} against {base} at the same number of languages: {_counts(both, 'points')}."


def _rule(rows: pd.DataFrame, curve: str, rule: str) -> str:
    """How often languages chosen by a rule do better than random ones, in each set."""
    parts = []
    for name in languages_needed.sets_of(rows):
        here = rows[rows["language_set"] == name]
        mine, random = (here[here["choice"] == choice] for choice in (rule, RANDOM))
        both = mine.merge(random, on="size")
        if len(both):
            below = int((both["worst_ratio_x"] < both["worst_low_y"]).sum())
            above = int((both["worst_ratio_x"] > both["worst_high_y"]).sum())
            parts.append(
                f"{_set(name)}, {_counts(both, 'sizes')}, worst language better than with any "
                f"draw in {below}, worse in {above}"
            )
    compared = "; ".join(parts) or "no size has both"
    return f"{curve}, {rule} against random subsets of the same size: {compared}."


def _counts(both: pd.DataFrame, unit: str) -> str:
    """Where _x lies below or above _y, in words, and the geometric mean of their quotients."""
    if both.empty:
        return f"no {unit} have both"
    columns = ["ratio_to_dense", "ci_low", "ci_high"]
    sides = [
        _separate(*(row[[f"{name}_{side}" for name in columns]].set_axis(columns) for side in "xy"))
        for _, row in both.iterrows()
    ]
    missing = f", {sides.count(None)} without intervals" if None in sides else ""
    quotient = style.geometric_mean(both["ratio_to_dense_x"] / both["ratio_to_dense_y"])
    return (
        f"lower in {sides.count(-1)}, higher in {sides.count(1)} and not distinguishable in "
        f"{sides.count(0)} of {len(sides)} {unit} (on average {number(quotient)} times{missing})"
    )


def _separate(first: pd.Series, second: pd.Series) -> int | None:
    """-1 or 1 where the first interval lies below or above the second, 0 where they overlap.

    None where one is missing.
    """
    if pd.isna([*first[["ci_low", "ci_high"]], *second[["ci_low", "ci_high"]]]).any():
        return None
    below = first["ci_high"] < second["ci_low"]
    return int(first["ci_low"] > second["ci_high"]) - int(below)


def _groups(means: pd.DataFrame, kind: str, grid: Grid) -> str:
    """Least and most affected group of the baseline, among those with an interval."""
    base = means[(means["method"] == grid.baseline) & means["low"].notna()]
    base = base[
        ~base["group"].isin([f"other {ratio_by_family.KINDS[kind]}", language_groups.UNKNOWN])
    ]
    if len(base) < 2:
        return f"By {kind}, fewer than two groups have {ratio_by_family.FEWEST} languages."
    ends = [base.loc[base["mean"].idxmin()], base.loc[base["mean"].idxmax()]]
    least, most = (
        f"{end['group']} {number(end['mean'])} [{number(end['low'])}, {number(end['high'])}]"
        for end in ends
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
    other = f"m-{grid.baseline}"
    quotients = (table[other] / table[grid.baseline]).dropna()
    mean, low, high = ratio_by_family.mean_interval(quotients, grid)
    said = "the interval includes 1, so that the two cannot be told apart"
    if np.isnan(low):
        said = "too few languages for an interval"
    elif high < 1 or low > 1:
        said = f"{other} loses {'less' if high < 1 else 'more'}"
    interval = "" if np.isnan(low) else f" [{number(low)}, {number(high)}]"
    return (
        f"{other} / {grid.baseline} over {len(quotients)} languages: {number(mean)}{interval}, "
        f"{said}; lower in {int((quotients < 1).sum())} languages."
    )


def _rank(rho: tuple[float, float, float]) -> str:
    value, low, high = rho
    if np.isnan(value):
        return f"no rank correlation below {ratio_against_dense.FEWEST_RANKED} languages"
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


def _families(matrices: Mapping[str, pd.DataFrame], grid: Grid) -> str:
    """Mean correlation of pairs within a family and of pairs from two, by depth."""
    names = list(matrices[language_structure.WHOLE])
    families = np.array([language_groups.family(name, grid) for name in names])
    known = families != language_groups.UNKNOWN
    pairs = np.triu(known[:, None] & known, 1)
    same = pairs & (families[:, None] == families)
    if not same.any() or not (pairs & ~same).any():
        return ""
    parts = ", ".join(
        f"{matrix.to_numpy()[same].mean():.3f} and {matrix.to_numpy()[pairs & ~same].mean():.3f} "
        f"({depth})"
        for depth, matrix in matrices.items()
    )
    return (
        f"Mean correlation within a family and between families: {parts}; {int(same.sum())} and "
        f"{int((pairs & ~same).sum())} pairs, which share languages, so that no interval is given."
    )


def _cost(title: str, rows: pd.DataFrame) -> str:
    statistics = rows[rows["step"] == scaling_cost.STATISTICS]
    masks = rows[rows["step"] == scaling_cost.MASK]
    unit = {"time of statistics": "s", "time of a mask": "s"}.get(title, "MB")
    parts = []
    if len(statistics):
        last = statistics.iloc[-1]
        parts.append(
            f"statistics of {last['languages']:.0f} languages {number(last['value'])} {unit}, "
            f"{number(scaling_cost.slope(statistics))} {unit} for each (line through the origin)"
        )
    if len(masks):
        ends = [masks[masks["languages"] == masks["languages"].agg(end)] for end in ("min", "max")]
        few, many = (
            f"{number(end['value'].median())} {unit} with {end['languages'].iloc[0]:.0f}"
            for end in ends
        )
        parts.append(f"a mask {few} and {many} languages (medians, {len(masks)} masks in all)")
    return f"{title[0].upper()}{title[1:]}: {'; '.join(parts)}."


def _intervals(grid: Grid) -> str:
    return f"{grid.confidence:.0%} intervals over languages and draws"


def _sets(rows: pd.DataFrame, grid: Grid) -> str:
    counts = rows.groupby("language_set")["languages"].max()
    names = "; ".join(f"{_set(name)} (n = {counts[name]})" for name in SETS if name in counts)
    return (
        f"Evaluated: {names}. The pool are the calibration languages of the config, from which "
        f"subsets are taken; a subset holds only some of them. {_measured(grid)}"
    )


def _measured(grid: Grid) -> str:
    return f"{grid.split.capitalize()} split, context of {grid.length} tokens."


def _set(name: str) -> str:
    return SETS[name].replace("\n", " ")


def _name(language: object, grid: Grid) -> str:
    return language_groups.label(language, grid) if isinstance(language, str) else "unknown"


def _ratio(row: pd.Series) -> str:
    low, high = row["ci_low"], row["ci_high"]
    interval = "" if np.isnan(low) else f" [{number(low)}, {number(high)}]"
    return f"{number(row['ratio_to_dense'])}{interval}"


def _range(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"
