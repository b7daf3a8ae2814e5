"""What captions share: reStructuredText, numbers, sentences on items, intervals and seeds.

Every number is computed from the tables that are drawn. A difference is called one only where its
interval excludes no difference.
"""

from collections.abc import Iterable, Mapping

import pandas as pd

from multiprune.experiment.grid import CALIBRATION, MARK, UNSEEN, Grid
from multiprune.figures import style
from multiprune.files.markup import restructured
from multiprune.uncertainty import printing
from multiprune.uncertainty.printing import number

Tables = Mapping[str, pd.DataFrame]
ONE_DRAW = "One calibration draw (seed)."


def document(*paragraphs: str) -> str:
    """Paragraphs as reStructuredText, without any markup; empty ones left out."""
    return "\n\n".join(restructured(text) for text in paragraphs if text) + "\n"


def sentence(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[0].upper() + text[1:]


def with_interval(value: float, low: float, high: float) -> str:
    """A ratio as `1.234 [1.200, 1.300]`, or alone where there is no interval.

    With more digits where fewer would print 1 as an end of an interval that excludes it.
    """
    if printing.is_point(low, high):
        return number(value)
    if printing.digits(low, high, [1]) > printing.FEWEST_DIGITS:
        return printing.with_interval(value, low, high, [1])
    return f"{number(value)} [{number(low)}, {number(high)}]"


def span(counts: pd.Series) -> str:
    """`5`, or `5 to 8`."""
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"


def role_label(role: str, count: int) -> str:
    """The languages of a role in the config, for legends and captions."""
    if role == UNSEEN:
        return f"{_languages(count)} that no method saw"
    several = "s" if count != 1 else ""
    return f"the {count} calibration language{several} of the config"


def _languages(count: int) -> str:
    return f"{count} language{'s' if count != 1 else ''}"


def own_languages(methods: Iterable[str], grid: Grid) -> str:
    """Which methods have languages of their own, over which their means are; empty for none."""
    counted = [
        f"{method} ({_languages(len(grid.methods[method]['members']))})"
        for method in style.method_order(methods, grid)
        if grid.is_whole(method)
    ]
    if not counted:
        return ""
    return (
        f"Pruned for each of some languages, a model each: {', '.join(counted)}. Their means are "
        "over these languages, so that they compare with nothing over others."
    )


def measured_text(grid: Grid) -> str:
    """What text perplexity was measured on."""
    return f"{grid.split} split, context of {grid.length} tokens."


def measured_languages(grid: Grid) -> str:
    """How many languages perplexity was measured in, and on what text."""
    roles = [grid.config_role(language) for language in grid.evaluated]
    parts = [role_label(role, roles.count(role)) for role in (CALIBRATION, UNSEEN) if role in roles]
    return f"n = {len(roles)} languages ({', '.join(parts)}), {measured_text(grid)}"


def intervals_over_windows(grid: Grid, each_seed: bool = False) -> str:
    """What intervals of perplexity ratios say, and what they do not.

    each_seed: every calibration draw has its own.
    """
    model = (
        "Intervals, the same as of the claims: paired bootstrap over test windows within each "
        f"language ({grid.draws} draws)"
    )
    if each_seed or len(grid.seeds) == 1:
        return (
            f"{model}, with t quantiles. They cover the choice of test windows only, not the "
            "calibration text, the languages or the model."
        )
    return (
        f"{model}, combined with the variation over {len(grid.seeds)} calibration draws (seeds) "
        "by t quantiles. The languages are fixed, not a sample."
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
