"""Caption of the figure of claims; every number is counted from the table that is drawn."""

from collections.abc import Iterator, Mapping

import pandas as pd

from multiprune.claims.definitions import AS_SAMPLE, NOT_MEASURED
from multiprune.claims.documents import count_verdicts, heading
from multiprune.experiment.grid import Grid
from multiprune.figures import claims_forest
from multiprune.figures.wording import document


def verdicts_on_claims(tables: Mapping[str, pd.DataFrame], grid: Grid, model: str) -> str:
    """Caption of `claims_forest`."""
    claims = tables["claims"]
    if claims.empty:
        return document(claims_forest.EMPTY)
    shown = (
        f"{heading(claims)}, in this project's words, and what {model} shows. Shaded: values "
        "for which the claim holds; the bar at its edge is the threshold, this project's choice. "
        f"Lines are {grid.confidence:.0%} intervals; an arrow marks a ratio outside the axis. A "
        "verdict is supported where the interval lies wholly in the shade, not supported where it "
        "lies wholly outside, else inconclusive; claims about every language or several "
        "sparsities ask for more (config/claims.yaml). At the right, in how many languages the "
        "claim holds by itself, with Holm's correction over languages."
    )
    finding = count_verdicts(list(claims["verdict"]))
    return document(shown, finding, *_uncertainty(claims, grid), _unmeasured(claims))


def _uncertainty(claims: pd.DataFrame, grid: Grid) -> Iterator[str]:
    sampled = claims["reason"].str.endswith(AS_SAMPLE, na=False)
    if not sampled.all():
        yield _over_items(grid)
    if sampled.any():
        yield (
            f"{sampled.sum()} claims take languages as a sample: their intervals say how far other "
            "languages, and other random subsets, would move the mean; languages that hold are "
            "counted without a test."
        )


def _over_items(grid: Grid) -> str:
    model = (
        "Intervals: paired bootstrap over test items within each language "
        f"({grid.draws} draws; items that are the same in all languages are drawn together)"
    )
    if len(grid.seeds) == 1:
        return f"{model}. One calibration draw (seed), so they say nothing about other text."
    return (
        f"{model}, combined with the variation over {len(grid.seeds)} calibration draws (seeds) "
        "by t quantiles. The languages are fixed, not a sample."
    )


def _unmeasured(claims: pd.DataFrame) -> str:
    rows = claims[claims["verdict"] == NOT_MEASURED]
    listed = "; ".join(f"{row.claim} ({row.reason})" for row in rows.itertuples())
    return f"Not measured: {listed}." if listed else ""
