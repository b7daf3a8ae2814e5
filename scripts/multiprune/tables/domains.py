"""The table `domains`: methods by the corpus that they calibrate on and that they are judged on."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from multiprune.evaluation.perplexity_runs import Measurement, Runs
from multiprune.experiment.grid import DENSE, Grid
from multiprune.tables.ratios import mean_ratio

COLUMNS = [
    "model", "method", "base", "sparsity", "calibrated_on", "evaluated_on", "languages", "seeds",
    "ratio_to_dense", "ci_low", "ci_high", "ratio_to_same", "same_ci_low", "same_ci_high", "rank",
]  # fmt: skip
READS = ("perplexity",)
STANDARD = False
NEEDS = "languages of several corpora"
TITLE = "Domains"
PLACE = 27
CAPTION = """\
Whether what is learned on one kind of text holds on another, a row per method, sparsity, corpus of
the calibration text and corpus of the test text.

- **method, base**: its name, and the same without the corpus at its end: ``wanda-bible`` is wanda,
  calibrated on bible. **sparsity**: of the pruned model.
- **calibrated_on**: the corpus of all its calibration languages; *several* where they have their
  text from more than one, *none* for a method without calibration. **evaluated_on**: the corpus of
  the test text.
- **languages, seeds**: how many were averaged.
- **ratio_to_dense, ci_low, ci_high**: geometric mean of the languages' perplexity / perplexity of
  the dense model, and its interval.
- **ratio_to_same, same_ci_low, same_ci_high**: the same against the method that is calibrated on
  the corpus of the test text; paired, and what another domain costs.
- **rank**: place of the method by ratio_to_dense among those with the same two corpora and the same
  sparsity; 1 loses least.
"""
NONE, SEVERAL = "none", "several"


def home(method: str, grid: Grid) -> str:
    """The corpus of a method's calibration languages; of a pair of languages both count."""
    entries = grid.methods[method].get("calibration", [])
    parts = {
        part
        for entry in entries
        for part in ([entry] if entry in grid.languages else entry.split("-"))
    }
    corpora = {grid.corpus(part) for part in parts if part in grid.languages}
    return corpora.pop() if len(corpora) == 1 else SEVERAL if corpora else NONE


def tabulate(results: Path, model: str, grid: Grid) -> pd.DataFrame:
    """A row per method, sparsity and corpus of test text."""
    runs = Runs(results, model, grid)
    corpora = sorted({grid.corpus(language) for language in grid.evaluated})
    rows = [
        _row(runs, method, sparsity, corpus, chosen)
        for method, sparsity, measurements in runs.measured()
        if method != DENSE
        for corpus in corpora
        if (chosen := _of_corpus(measurements, corpus, runs))
    ]
    table = pd.DataFrame(rows, columns=COLUMNS[1:-1])
    table.insert(0, "model", model)
    together = table.groupby(["sparsity", "calibrated_on", "evaluated_on"])["ratio_to_dense"]
    return table.assign(rank=together.rank(method="min").astype(int))


def _of_corpus(measurements: Sequence[Measurement], corpus: str, runs: Runs) -> list[Measurement]:
    """Without languages that the tokenizer hardly knows."""
    return [
        one
        for one in measurements
        if runs.grid.corpus(one.language) == corpus and one.language not in runs.left_out
    ]


def _row(
    runs: Runs, method: str, sparsity: str, corpus: str, measurements: Sequence[Measurement]
) -> tuple:
    grid, calibrated = runs.grid, home(method, runs.grid)
    base = method.removesuffix(f"-{calibrated}")
    same = f"{base}-{corpus}"
    compared = [
        (one.language, runs.against(same, method, sparsity, one.seed, one.language))
        for one in measurements
        if calibrated != NONE
    ]
    return (
        method, base, sparsity, calibrated, corpus,
        len({one.language for one in measurements}), len({one.seed for one in measurements}),
        *mean_ratio([(one.language, one.to_dense) for one in measurements], grid),
        *mean_ratio([pair for pair in compared if pair[1] is not None], grid),
    )  # fmt: skip
