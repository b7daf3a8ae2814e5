"""Caption of the figure `sweep_of_constants`, every number computed from the table."""

from collections.abc import Mapping

import pandas as pd

from multiprune.experiment.grid import Grid
from multiprune.figures import style, sweep_of_constants
from multiprune.figures.wording import document, number


def choice_of_constants(tables: Mapping[str, pd.DataFrame], grid: Grid, model: str) -> str:
    """Caption of `sweep_of_constants`."""
    sweep = tables["sweep"]
    if sweep.empty:
        return document(sweep_of_constants.EMPTY)
    shown = (
        f"Constants chosen on validation text, {model}: geometric-mean perplexity over the "
        "calibration languages of each candidate, relative to the best candidate of its method, "
        f"with {grid.confidence:.0%} intervals (paired bootstrap over windows). Taken is the "
        "simplest candidate within one standard error of the best: the one with the fewest values "
        "other than the method's own, then the one listed first. The test text was not looked at."
    )
    findings = [
        _finding(method, sweep[sweep["method"] == method])
        for method in style.method_order(sweep["method"], grid)
    ]
    seed = sweep["seed"].iloc[0]
    note = (
        f"One calibration draw (seed {seed}), one sparsity; the choice serves all seeds and "
        "sparsities of the method. Standard errors cover the choice of validation windows only."
    )
    return document(shown, " ".join(findings), note)


def _finding(method: str, rows: pd.DataFrame) -> str:
    best, chosen = rows.iloc[0], rows[rows["chosen"] == 1].iloc[0]
    names = sweep_of_constants.labels(rows)
    picked = names[rows.index.get_loc(chosen.name)]
    end = (
        "which is the best."
        if chosen["candidate"] == best["candidate"]
        else f"{number(chosen['ratio_to_best'])} times the best, {names[0]}."
    )
    return (
        f"{method} at sparsity {best['sparsity']:g}: {len(rows)} candidates, perplexity "
        f"{number(rows['perplexity'].min())} to {number(rows['perplexity'].max())}, "
        f"{int(rows['within'].sum())} within one standard error of the best; taken is {picked} "
        f"({number(chosen['perplexity'])}), {end}"
    )
