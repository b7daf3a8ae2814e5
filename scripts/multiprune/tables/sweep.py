"""The table `sweep`: every candidate of every method whose constants were chosen."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.evaluation.candidate_records import CHOSEN, Scores, read_all_scores, read_choice
from multiprune.files.tables import COLUMNS
from multiprune.uncertainty import windows as uncertainty


def tabulate_sweep(
    results: Path | str, model: str, seed: int, methods: list[str], draws: int, confidence: float
) -> pd.DataFrame:
    """Candidates of each method, the best first, with the interval of their ratio to the best."""
    rows = []
    for method in sorted(methods):
        folder = Path(results) / model / f"seed{seed}" / "sweep" / method
        choice = read_choice(folder / CHOSEN)
        ranks = choice["ranking"]
        scores = read_all_scores(folder, [rank["candidate"] for rank in ranks])
        for rank, score in zip(ranks, scores, strict=True):
            low, high = _interval(score, scores[0], draws, confidence)
            rows.append(
                {
                    "model": model,
                    "seed": seed,
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
    return pd.DataFrame(rows, columns=COLUMNS["sweep"])


def _interval(score: Scores, best: Scores, draws: int, confidence: float) -> tuple[float, float]:
    """Of the ratio of two geometric-mean perplexities, paired over windows; the best has none."""
    if score.candidate == best.candidate:
        return math.nan, math.nan
    if all(np.array_equal(score.losses[name], best.losses[name]) for name in score.losses):
        return 1.0, 1.0  # the same mask, of which no bootstrap is needed
    return uncertainty.ratio_interval(
        [
            uncertainty.resampled_log_ratios(
                score.losses[name], best.losses[name], score.tokens[name], name, draws
            )
            for name in sorted(score.losses)
        ],
        confidence,
    )
