"""The table `sweep`: every candidate of every method whose constants were chosen."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.evaluation.candidate_records import (
    CHOSEN,
    FINALISTS,
    SCREENED,
    Scores,
    read_all_scores,
    read_choice,
    read_finalists,
)
from multiprune.experiment.grid import Grid
from multiprune.uncertainty.seeds_and_items import FEWEST_ITEMS, Cell, Resampled

COLUMNS = [
    "model", "seed", "seeds", "method", "sparsity", "candidate", "constants", "perplexity",
    "ratio_to_best", "standard_error", "ci_low", "ci_high", "within", "chosen",
]  # fmt: skip
READS = ("sweep",)
NEEDS = "a method with choose"
STANDARD = False
TITLE = "Choice of constants"
PLACE = 80
CAPTION = """\
Constants of methods that were chosen on validation text: one row for each candidate, the best of a
method first.

- **model, seed, method, sparsity**: where the candidates were compared; the choice serves all seeds
  and sparsities of the method.
- **seeds**: how many calibration draws the candidate was measured on. Where that is more than one,
  it is a finalist and its numbers are means over draws; the finalists stand first, and the others
  are compared with the best of all on the one draw.
- **candidate**: its name in paths. **constants**: the values, by their path in the method's
  options.
- **perplexity**: geometric mean over the calibration languages, validation split.
- **ratio_to_best**: perplexity over that of the best candidate. **ci_low, ci_high**: its interval,
  over the windows of each language, the same kind as of all ratios; empty for the best candidate
  and where a language has too few windows to resample, 1 to 1 for one that drops the same weights.
- **standard_error**: of the logarithm of ratio_to_best, paired over windows, languages fixed.
- **within**: 1 where the logarithm of ratio_to_best is at most its standard error.
- **chosen**: 1 for the candidate that the method is run with: the simplest of those within, that is
  with the fewest values other than the method's own, then listed first.
"""


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """Candidates of each method, the best first, with the interval of their ratio to the best."""
    seed, rows = min(grid.seeds), []
    for method in sorted(grid.choosing):
        folder = results / model / f"seed{seed}" / "sweep" / method
        choice = read_choice(folder / CHOSEN)
        for choice_of, rank, score, best in _measured(folder, method, choice, grid):
            low, high = _interval(score, best, grid)
            rows.append(
                {
                    "model": model,
                    "seed": seed,
                    "seeds": choice_of["seeds"],
                    "method": method,
                    "sparsity": choice["sparsity"],
                    "candidate": rank["candidate"],
                    "constants": json.dumps(rank["constants"], sort_keys=True),
                    "perplexity": rank["perplexity"],
                    "ratio_to_best": math.exp(rank["log_ratio"]),
                    "standard_error": rank["standard_error"],
                    "ci_low": low,
                    "ci_high": high,
                    "within": int(rank["within"]),
                    "chosen": int(rank["candidate"] == choice["chosen"]),
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _measured(
    folder: Path, method: str, choice: dict, grid: Grid
) -> Iterator[tuple[dict, dict, Scores, Scores]]:
    """Each candidate once: the ranking it stands in, its rank, its scores and those of the best."""
    screened = choice
    if choice["seeds"] > 1:
        of_seeds = [folder.parents[2] / f"seed{seed}/sweep/{method}" for seed in sorted(grid.seeds)]
        found = {one.candidate: one for one in read_finalists([f / FINALISTS for f in of_seeds])}
        ranked = [(rank, found[rank["candidate"]]) for rank in choice["ranking"]]
        yield from ((choice, rank, scores, ranked[0][1]) for rank, scores in ranked)
        screened = read_choice(folder / SCREENED)
    scores = read_all_scores(folder, [rank["candidate"] for rank in screened["ranking"]])
    finalists = set(screened["finalists"] or [])
    for rank, score in zip(screened["ranking"], scores, strict=True):
        if rank["candidate"] not in finalists:
            yield screened, rank, score, scores[0]


def _interval(score: Scores, best: Scores, grid: Grid) -> tuple[float, float]:
    """Of the ratio of two geometric-mean perplexities, paired over windows; the best has none."""
    if score.candidate == best.candidate:
        return math.nan, math.nan
    if all(np.array_equal(score.losses[name], best.losses[name]) for name in score.losses):
        return 1.0, 1.0  # the same mask, of which no bootstrap is needed
    if any(len(tokens) < FEWEST_ITEMS for tokens in score.tokens.values()):
        return math.nan, math.nan
    cells = [
        Cell(
            name,
            "",
            f"windows {name}",
            np.subtract(score.losses[name], best.losses[name])[None],
            np.asarray(score.tokens[name]),
        )
        for name in sorted(score.losses)
    ]
    low, high = Resampled(cells, grid.draws).estimate().interval(grid.confidence)
    return math.exp(low), math.exp(high)
