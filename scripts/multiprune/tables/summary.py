"""The table `summary`: geometric means of perplexities over languages and seeds."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.evaluation.perplexity_runs import Measurement, Runs
from multiprune.experiment.grid import DENSE, OWN, ROLES, Grid
from multiprune.tables.ratios import ratios

COLUMNS = [
    "model", "method", "sparsity", "language_set", "languages", "seeds", "perplexity",
    "bits_per_byte", "ratio_to_dense", "ci_low", "ci_high", "ratio_to_baseline", "baseline_ci_low",
    "baseline_ci_high", "worst_language", "worst_ratio", "note",
]  # fmt: skip
ON_PAGE = [
    "model", "method", "sparsity", "language_set", "ratio_to_baseline", "baseline_ci_low",
    "baseline_ci_high", "ratio_to_dense", "ci_low", "ci_high", "perplexity", "worst_language",
    "worst_ratio", "note",
]  # fmt: skip
ALL = "all"
READS = ("perplexity",)
STANDARD = True
TITLE = "Methods compared"
PLACE = 10
CAPTION = """\
Geometric means over languages and seeds, a row per method, sparsity and set of languages.

- **method, sparsity**: of the pruned model.
- **language_set**: all, calibration or unseen, by the role in the config (the column ``role`` of
  the table ``perplexity``), so that all methods are compared over the same languages. own: those
  of a method with ``for_each``, each under the model that was pruned for it; compare such a row
  with the baseline in it, not with rows of other languages.
  **languages, seeds**: how many were averaged; dense and methods without calibration have one
  result, whatever the number of seeds.
- **perplexity**: geometric mean. **bits_per_byte**: arithmetic mean.
- **ratio_to_dense, ci_low, ci_high**: geometric mean of the languages' ratios to the dense model
  and its interval.
- **ratio_to_baseline, baseline_ci_low, baseline_ci_high**: the same against the baseline method at
  the same seed and sparsity; this comparison is paired and decides between methods.
- **worst_language, worst_ratio**: the language that loses most against dense, and its ratio (empty
  for dense).
- **note**: languages that were left out, since the tokenizer does not know more than
  ``evaluation.most_unknown_tokens`` of their test tokens.

Intervals are those of the claims, over calibration draws (seeds) and test windows: windows are
resampled within each language, the variation over seeds enters with seeds - 1 degrees of freedom.
With one seed they cover the choice of test windows only. Languages are fixed, not a sample.
"""


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per method, sparsity and set of languages that has some."""
    runs = Runs(results, model, grid)
    rows = [
        {"model": model, "method": method, "sparsity": sparsity} | cells
        for method, sparsity, measurements in runs.measured()
        for cells in _sets(method, measurements, runs)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _sets(method: str, measurements: Sequence[Measurement], runs: Runs) -> Iterator[dict]:
    """All languages, then those of each role; of a method that is pruned for some, these.

    Without those that the tokenizer hardly knows.
    """
    without = runs.left_out
    known = [m for m in measurements if m.language not in without]
    note = f"without {' '.join(without)}: unknown tokens" if without else None
    for name in (OWN,) if runs.grid.is_whole(method) else (ALL, *ROLES):
        chosen = [m for m in known if name in (OWN, ALL, runs.grid.config_role(m.language))]
        if chosen:
            worst = {} if method == DENSE else _worst(chosen)
            cells = _means(chosen) | ratios(chosen, runs.grid) | worst
            yield {"language_set": name, **cells, "note": note}


def _means(measurements: Sequence[Measurement]) -> dict:
    records = [measurement.record for measurement in measurements]
    return {
        "languages": len({measurement.language for measurement in measurements}),
        "seeds": len({measurement.seed for measurement in measurements}),
        "perplexity": math.exp(np.mean([record.log_perplexity for record in records])),
        "bits_per_byte": float(np.mean([record.bits_per_byte for record in records])),
    }


def _worst(measurements: Sequence[Measurement]) -> dict:
    """The language that loses most, by its geometric mean over seeds."""
    languages = sorted({measurement.language for measurement in measurements})
    means = {
        name: np.mean([m.to_dense.log_ratio for m in measurements if m.language == name])
        for name in languages
    }
    worst = max(languages, key=means.__getitem__)
    return {"worst_language": worst, "worst_ratio": math.exp(means[worst])}
