"""The results in words, from the table `summary`: a line for each sparsity, dense before, languages
behind.

A difference is called one only where the interval excludes 1; numbers have the digits that show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from multiprune.experiment.grid import CALIBRATION, DENSE, OWN, ROLES, UNSEEN, Grid
from multiprune.files.markup import restructured
from multiprune.uncertainty import printing

ALL = "all"
MOST_NAMED = 8  # methods of a group that are named; the rest is counted
DENSE_RATIO = ("ratio_to_dense", "ci_low", "ci_high")
BASELINE_RATIO = ("ratio_to_baseline", "baseline_ci_low", "baseline_ci_high")
ONE_DRAW = (
    "There is one draw of calibration text, so intervals cover the choice of test windows only."
)
LOWER, ALIKE, HIGHER, UNCLEAR = "lower", "not told apart", "higher", "without an interval"


@dataclass(frozen=True)
class Ratio:
    """A ratio and its interval, which is nan where there is none."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, row: Mapping[str, float], columns: Sequence[str]) -> "Ratio":
        """The ratio of a row of the table."""
        return cls(*(float(row[name]) for name in columns))

    def __str__(self) -> str:
        printed = printing.with_interval(self.value, self.low, self.high, [1])
        number, *interval = printed.split(" ", 1)
        return " ".join([number, "times", *interval])

    @property
    def judged(self) -> str:
        """What the interval allows to say."""
        if pd.isna(self.low):
            return UNCLEAR
        if self.low <= 1 <= self.high:
            return ALIKE
        return LOWER if self.high < 1 else HIGHER


def findings(summary: pd.DataFrame, grid: Grid) -> list[str]:
    """What was found of one model, a sentence or two each; `summary` are its rows."""
    pruned = summary[summary["method"] != DENSE]
    lines = [_dense(summary)]
    for sparsity, rows in pruned.groupby("sparsity"):
        lines.append(_at(sparsity, rows[rows["language_set"] == ALL], grid))
        lines.append(_one_by_one(sparsity, rows[rows["language_set"] == OWN], grid))
    of_many = pruned[pruned["language_set"] != OWN]
    lines += [_languages(of_many, grid), _by_role(of_many, grid)]
    if len(pruned) and pruned["seeds"].max() == 1:
        lines.append(ONE_DRAW)
    return [line for line in lines if line]


def document(summary: pd.DataFrame, grid: Grid) -> str:
    """The findings of every model as reStructuredText: lists, without titles."""
    parts = []
    for model, rows in summary.groupby("model", sort=False):
        if summary["model"].nunique() > 1:
            parts.append(f"**{restructured(str(model))}**")
        lines = findings(rows, grid)
        parts.append("\n".join(f"- {restructured(line)}" for line in lines))
    return "\n\n".join(parts) + "\n"


def _called(method: str, grid: Grid) -> str:
    return grid.labels.get(method, method)


def _percent(sparsity: float) -> str:
    return f"{100 * sparsity:.4g} % sparsity"


def _dense(summary: pd.DataFrame) -> str:
    rows = summary[(summary["method"] == DENSE) & (summary["language_set"] == ALL)]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    count = int(row["languages"])
    over = f"geometric mean over {count} languages" if count > 1 else "of one language"
    return f"Before pruning the perplexity is {printing.number(row['perplexity'])} ({over})."


def _at(sparsity: float, rows: pd.DataFrame, grid: Grid) -> str:
    """One sparsity: what the baseline loses, and how the others stand to it."""
    if rows.empty:
        return ""
    rows = rows.sort_values("ratio_to_dense")
    base = rows[rows["method"] == grid.baseline]
    if base.empty:
        listed = [(_called(row["method"], grid), row) for _, row in rows.iterrows()]
        ratios = [f"{name} {Ratio.of(row, DENSE_RATIO)}" for name, row in listed]
        return f"At {_percent(sparsity)}, against dense: {_some(ratios)}."
    name = _called(grid.baseline, grid)
    loss = Ratio.of(base.iloc[0], DENSE_RATIO)
    parts = [f"At {_percent(sparsity)} {name} {_changes(loss)}"]
    groups = {LOWER: [], ALIKE: [], HIGHER: [], UNCLEAR: []}
    for _, row in rows[rows["method"] != grid.baseline].iterrows():
        if pd.notna(row["ratio_to_baseline"]):
            ratio = Ratio.of(row, BASELINE_RATIO)
            groups[ratio.judged].append(f"{_called(row['method'], grid)} {ratio}")
    spoken = {
        LOWER: f"Lower than {name}: ",
        ALIKE: f"Not told apart from {name}: ",
        HIGHER: f"Higher than {name}: ",
        UNCLEAR: f"Against {name}, without an interval: ",
    }
    parts += [f"{spoken[group]}{_some(listed)}" for group, listed in groups.items() if listed]
    return ". ".join(parts) + "."


def _one_by_one(sparsity: float, rows: pd.DataFrame, grid: Grid) -> str:
    """What methods lose that are pruned for each of their languages, in these languages."""
    parts = []
    for _, row in rows.sort_values("method").iterrows():
        against, columns = _called(grid.baseline, grid), BASELINE_RATIO
        if pd.isna(row["ratio_to_baseline"]):
            against, columns = DENSE, DENSE_RATIO
        count = int(row["languages"])
        same = f"the same {count} languages" if count > 1 else "the same language"
        name = _called(row["method"], grid)
        parts.append(f"{name} {Ratio.of(row, columns)} that of {against} in {same}")
    start = f"At {_percent(sparsity)}, the perplexity of each language under a model of its own:"
    return f"{start} {', '.join(parts)}." if parts else ""


def _changes(ratio: Ratio) -> str:
    """What a ratio to dense says of the perplexity."""
    if ratio.judged == ALIKE:
        return f"leaves the perplexity where it was, as far as can be told: {ratio}"
    return f"{'lowers' if ratio.value < 1 else 'raises'} the perplexity to {ratio} that of dense"


def _some(listed: list[str]) -> str:
    """The first few; how many more there are, and the last of them."""
    if len(listed) <= MOST_NAMED:
        return ", ".join(listed)
    between = len(listed) - MOST_NAMED
    named = ", ".join(listed[: MOST_NAMED - 1])
    return f"{named}, {between} more, up to {listed[-1]}"


def _languages(pruned: pd.DataFrame, grid: Grid) -> str:
    """Which languages lose most under the baseline, at the sparsity of most methods."""
    rows = pruned[pruned["method"] == grid.baseline]
    if rows.empty:
        return ""
    sparsity = _most_compared(pruned, grid)
    here = rows[rows["sparsity"] == sparsity].set_index("language_set")
    start = f"Against dense, with {_called(grid.baseline, grid)} at {_percent(sparsity)}:"
    spoken = {CALIBRATION: "calibration languages", UNSEEN: "unseen ones"}
    parts = [
        f"{spoken[role]} {Ratio.of(here.loc[role], DENSE_RATIO)}"
        for role in ROLES
        if set(ROLES) <= set(here.index)
    ]
    if ALL in here.index and here.loc[ALL, "languages"] > 1:
        code = here.loc[ALL, "worst_language"]
        name = grid.languages.get(code, {}).get("name") or code
        parts.append(
            f"the highest {name} with {printing.number(here.loc[ALL, 'worst_ratio'])} times"
        )
    return f"{start} {', '.join(parts)}." if parts else ""


def _most_compared(pruned: pd.DataFrame, grid: Grid) -> float:
    """The baseline's sparsity that most methods have."""
    of_baseline = pruned.loc[pruned["method"] == grid.baseline, "sparsity"].unique()
    return pruned.groupby("sparsity")["method"].nunique().reindex(of_baseline).idxmax()


def _by_role(pruned: pd.DataFrame, grid: Grid) -> str:
    """The methods that stand otherwise to the baseline in unseen languages: disjoint intervals."""
    if not (pruned["method"] == grid.baseline).any():
        return ""
    sparsity, name = _most_compared(pruned, grid), _called(grid.baseline, grid)
    parts = []
    for method, rows in pruned[pruned["sparsity"] == sparsity].groupby("method"):
        by_role = rows.set_index("language_set")
        if method == grid.baseline or not set(ROLES) <= set(by_role.index):
            continue
        seen, unseen = (Ratio.of(by_role.loc[role], BASELINE_RATIO) for role in ROLES)
        if seen.high < unseen.low or unseen.high < seen.low:
            parts.append(f"{_called(method, grid)} {seen} and {unseen}")
    start = f"Against {name} at {_percent(sparsity)}, in calibration languages and in unseen ones:"
    return f"{start} {'; '.join(parts)}." if parts else ""
