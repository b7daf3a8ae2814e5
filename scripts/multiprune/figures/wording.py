"""What captions share: reStructuredText, numbers, sentences on items, intervals and seeds.

Every number is computed from the tables that are drawn. A difference is called one only where its
interval excludes no difference.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from multiprune.experiment.grid import CALIBRATION, MARK, UNSEEN, Grid
from multiprune.figures import style
from multiprune.files.markup import restructured

Tables = Mapping[str, pd.DataFrame]
ONE_DRAW = "One calibration draw (seed)."


def document(*paragraphs: str) -> str:
    """Paragraphs as reStructuredText, without any markup; empty ones left out."""
    return "\n\n".join(restructured(text) for text in paragraphs if text) + "\n"


def sentence(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[0].upper() + text[1:]


def number(value: float) -> str:
    """Three decimals, or four digits from 10 on."""
    return f"{value:.3f}" if value < 10 else f"{value:.4g}"


def with_interval(value: float, low: float, high: float) -> str:
    """`1.234 [1.2, 1.3]`, or the value alone where there is no interval."""
    return number(value) + ("" if np.isnan(low) else f" [{number(low)}, {number(high)}]")


def span(counts: pd.Series) -> str:
    """`5`, or `5 to 8`."""
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"


def measured_text(grid: Grid) -> str:
    """What text perplexity was measured on."""
    return f"{grid.split} split, context of {grid.length} tokens."


def measured_languages(grid: Grid) -> str:
    """How many languages perplexity was measured in, and on what text."""
    roles = [grid.config_role(language) for language in grid.evaluated]
    return (
        f"n = {len(roles)} languages ({roles.count(CALIBRATION)} calibration, "
        f"{roles.count(UNSEEN)} unseen), {measured_text(grid)}"
    )


def intervals_over_windows(grid: Grid) -> str:
    """What intervals of perplexity ratios say, and what they do not."""
    return (
        f"Intervals: paired percentile bootstrap over test windows within each language "
        f"({grid.draws} draws). They cover the choice of test items only, not the calibration "
        "text, the languages or the model, and with few windows they are too narrow: about 82 of "
        "100 such 95% intervals hold the truth with 5 windows, 91 with 10."
    )


def geometric_mean_of_draws(grid: Grid) -> str:
    """How many calibration draws a perplexity is the mean of."""
    count = len(grid.seeds)
    if count == 1:
        return ONE_DRAW
    return (
        f"Geometric mean over {count} calibration draws (seeds); methods without calibration "
        "have one result."
    )


def mean_of_draws(table: pd.DataFrame, one: str = ONE_DRAW) -> str:
    """How many calibration draws a table's values are averaged over; `one` where it has one."""
    seeds = table["seed"].nunique()
    return f"Mean of {seeds} calibration draws." if seeds > 1 else one


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
