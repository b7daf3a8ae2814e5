"""Print the summary table of an experiment, what its claims come to, and where its report lies."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from multiprune.claims import summary as verdicts
from multiprune.claims.definitions import NOT_MEASURED
from multiprune.errors import InputError
from multiprune.evaluation.downstream_runs import TRANSLATION
from multiprune.experiment.grid import DENSE, Grid
from multiprune.files.tables import read_table
from multiprune.jobs.command import run
from multiprune.registry import constants
from multiprune.tables import interference
from multiprune.uncertainty.printing import number, with_interval

SHOWN = {
    "model": "model",
    "method": "method",
    "sparsity": "sparsity",
    "perplexity": "perplexity",
    "ratio_to_dense": "x dense",
    "interval": "95% interval",
    "ratio_to_baseline": "x baseline",
    "baseline_interval": "95% interval ",
}

RUN = ["model", "method", "sparsity"]
RATIOS = (  # column of the ratio, of its interval, and what the columns of its ends begin with
    ("ratio_to_dense", "interval", "ci"),
    ("ratio_to_baseline", "baseline_interval", "baseline_ci"),
)


def summary(tables: Path, report: Path | None) -> str:
    """Geometric means over all languages, best first within each model and sparsity.

    InputError where the tables are not there.
    """
    path = tables / "summary.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file; run the workflow first")
    table = pd.read_csv(path)
    table = table[table["language_set"] == "all"].sort_values(["model", "sparsity", "perplexity"])
    table["perplexity"] = table["perplexity"].map(number)
    for ratio, interval, prefix in RATIOS:
        bounds = table[f"{prefix}_low"], table[f"{prefix}_high"]
        table[ratio], table[interval] = printed(table[ratio], *bounds)
    models = table["model"].unique()
    shown = [name for name in SHOWN if name != "model" or len(models) > 1]
    whose = f" of {models[0]}" if len(models) == 1 else ""
    text = table[shown].rename(columns=SHOWN)
    lines = text.to_string(index=False, na_rep="", float_format="{:g}".format).splitlines()
    rows = "\n".join(line.rstrip() for line in lines)
    where = f"report: {report}\n" if report and report.is_file() else ""
    return f"""
Perplexity{whose}, geometric mean over all languages:

{rows}

{on_interference(tables)}{on_translation(tables)}{on_claims(tables)}{where}"""


def on_interference(tables: Path) -> str:
    """What calibrating on all languages at once costs, a line for each model, method, sparsity."""
    lines, grid = [], _grid(tables)
    asked = _rows(tables, "interference", RUN) if grid and interference.alone(grid) else ()
    for (model, method, sparsity), rows in asked:
        mean, most = np.exp(np.log(rows["factor"]).mean()), rows.loc[rows["factor"].idxmax()]
        dearest = with_interval(*most[["factor", "ci_low", "ci_high"]], [1])
        lines.append(
            f"Interference in {model} at {sparsity:g}, perplexity under {grid.baseline} / {method}"
            f": {mean:.3f} over {len(rows)} languages, most in {most['language']}: {dearest}.\n"
        )
    return "".join([*lines, "\n"]) if lines else ""


def on_translation(tables: Path) -> str:
    """How well models translate, a line for each, over the languages that all of them have."""
    lines, grid = [], _grid(tables)
    tasks = grid.downstream.get("tasks", {}).values() if grid else ()
    is_asked = any(task.get("kind") == TRANSLATION for task in tasks)
    asked = _rows(tables, "translation", ["model", "task"]) if is_asked else ()
    for (model, task), rows in asked:
        scores = rows[rows["metric"] == "chrf"].dropna(subset="score")
        by_run = scores.groupby(["method", "sparsity"])
        of_each = [set(run["language"]) for _name, run in by_run]
        shared = set.intersection(*of_each) if of_each else set()
        means = scores[scores["language"].isin(shared)].groupby(["method", "sparsity"])["score"]
        said = ", ".join(
            f"{method} {score:.1f}" if method == DENSE else f"{method} {sparsity:g} {score:.1f}"
            for (method, sparsity), score in means.mean().sort_values(ascending=False).items()
        )
        if shared:
            many = f"{len(shared)} language{'s' * (len(shared) > 1)}"
            lines.append(f"Translation by {model} ({task}), chrF over {many}: {said}.\n")
    return "".join([*lines, "\n"]) if lines else ""


def _grid(tables: Path) -> Grid | None:
    """What the last run asked for, beside whose tables those of an overlay may stand."""
    path = tables.parent / "grid.json"
    return Grid.read(path) if path.is_file() else None


def _rows(tables: Path, name: str, by: list[str]) -> Iterator[tuple[tuple, pd.DataFrame]]:
    """The rows of a table in groups; none where it has not been made."""
    path = tables / f"{name}.csv"
    if path.is_file():
        yield from read_table(path, constants("tables", name)["COLUMNS"]).groupby(by, sort=False)


def on_claims(tables: Path) -> str:
    """What the claims come to, a line for each paper and question; empty without claims."""
    path = tables / "claims.csv"
    if not path.is_file():
        return ""
    claims = read_table(path, constants("tables", "claims")["COLUMNS"])
    several = claims["model"].nunique() > 1
    lines = []
    for model, rows in claims.groupby("model", sort=False):
        lines += [f"{model}:"] if several else []
        lines += verdicts.sentences(rows)
        if missing := int((rows["verdict"] == NOT_MEASURED).sum()):
            lines.append(f"Not measured: {missing} of {len(rows)} claims.")
    return "\n".join([*lines, f"claims: {tables / 'claims.md'}"]) + "\n"


def printed(value: pd.Series, low: pd.Series, high: pd.Series) -> tuple[list[str], list[str]]:
    """Ratios, with the digits of their intervals, and `[low, high]`, empty where there is none."""
    rows = [with_interval(*row, [1]).partition(" ") for row in zip(value, low, high, strict=True)]
    return [ratio for ratio, _, _ in rows], [interval for _, _, interval in rows]


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--report", type=Path, help="named where it is there")
    options = parser.parse_args()
    print(summary(options.tables, options.report), end="")


if __name__ == "__main__":
    run(main, log_environment=False)
