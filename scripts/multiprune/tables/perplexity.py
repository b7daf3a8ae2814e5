"""The table `perplexity`: every record, compared with dense and with the baseline."""

import math
from pathlib import Path

import pandas as pd

from multiprune.evaluation.perplexity_runs import Measurement, Runs
from multiprune.experiment.grid import DENSE, Grid
from multiprune.tables.ratios import ratios

COLUMNS = [
    "model", "seed", "method", "sparsity", "language", "role", "tokens", "perplexity",
    "bits_per_byte", "ratio_to_dense", "ci_low", "ci_high", "ratio_to_baseline", "baseline_ci_low",
    "baseline_ci_high", "unknown_share", "note", "calibrated_on",
]  # fmt: skip
READS = ("perplexity",)
STANDARD = True
TITLE = "Perplexity by language"
PLACE = 20
CAPTION = """\
Perplexity of every language under every method, sparsity and seed. Perplexities count per token of
this model's tokenizer, so compare them within a language only; bits per byte can be compared across
languages and models whose tokenizers know the text.

- **model, seed, method, sparsity, language**: the run. Seed is the calibration draw; dense is
  repeated for every seed, other methods without calibration (magnitude) stand under one.
- **role**: the language's role in the config, the same for every method: calibration (methods may
  calibrate on it) or unseen (none does). Means by method and role are those of the table
  ``summary``. **calibrated_on**: whether this method was calibrated on the language, alone or in a
  pair: yes or no. A method with ``for_each`` has the languages that it is pruned for one by one,
  each under its own model. Methods that choose their languages by the statistics of all in the pool
  (greedy) saw all of them.
- **tokens**: test tokens whose loss was counted.
- **perplexity**: exp(total loss in nats / tokens). **bits_per_byte**: total loss in bits / UTF-8
  bytes.
- **ratio_to_dense**: perplexity / perplexity of the dense model. **ci_low, ci_high**: its interval.
- **ratio_to_baseline**: perplexity / perplexity of the baseline method at the same seed and
  sparsity, empty where the baseline has none. **baseline_ci_low, baseline_ci_high**: its interval.
- **unknown_share**: share of the test tokens that stand for text which the tokenizer's vocabulary
  cannot spell. They cost little, so they make a language look easy. Above
  ``evaluation.most_unknown_tokens`` the **note** says that the language is left out of means and
  claims. Bits per byte compare only where this share is near 0.

Intervals are those of the claims: paired, over test windows and, where a method without calibration
meets a baseline of several seeds, over those. A row is of one calibration draw, of which they say
nothing. Empty with fewer than three windows.
"""


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per seed, method, sparsity and language."""
    runs = Runs(results, model, grid)
    rows = []
    for method, sparsity, measurements in runs.measured():
        for measurement in measurements:
            row = {"model": model, "method": method, "sparsity": sparsity}
            row |= _cells(method, measurement, runs)
            seeds = sorted(grid.seeds) if method == DENSE else [measurement.seed]
            rows += [row | {"seed": seed} for seed in seeds]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("seed", kind="stable").reset_index(drop=True)


def _cells(method: str, measurement: Measurement, runs: Runs) -> dict:
    record, language = measurement.record, measurement.language
    return {
        "language": language,
        "role": runs.grid.config_role(language),
        "tokens": int(record.tokens.sum()),
        "perplexity": math.exp(record.log_perplexity),
        "bits_per_byte": record.bits_per_byte,
        **ratios([measurement], runs.grid),
        "unknown_share": record.unknown_share,
        "note": "unknown tokens: left out of means" if language in runs.left_out else None,
        "calibrated_on": runs.grid.calibrated_on(method, language),
    }
