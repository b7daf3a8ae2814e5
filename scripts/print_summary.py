"""Print the summary table of an experiment, the verdicts on claims, and where its report lies."""

import argparse
from pathlib import Path

import pandas as pd

from multiprune.claims.documents import count_verdicts
from multiprune.errors import InputError
from multiprune.files.tables import read_table
from multiprune.jobs.command import run
from multiprune.registry import constants

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


def summary(tables: Path, report: Path | None) -> str:
    """Geometric means over all languages, best first within each model and sparsity.

    InputError where the tables are not there.
    """
    path = tables / "summary.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file; run the workflow first")
    table = pd.read_csv(path)
    table = table[table["language_set"] == "all"].sort_values(["model", "sparsity", "perplexity"])
    table["interval"] = intervals(table["ci_low"], table["ci_high"])
    # The baseline is not compared with itself.
    itself = table["baseline_ci_low"].eq(1) & table["baseline_ci_high"].eq(1)
    table.loc[itself, ["baseline_ci_low", "baseline_ci_high"]] = None
    table["baseline_interval"] = intervals(table["baseline_ci_low"], table["baseline_ci_high"])
    models = table["model"].unique()
    shown = [name for name in SHOWN if name != "model" or len(models) > 1]
    whose = f" of {models[0]}" if len(models) == 1 else ""
    text = table[shown].rename(columns=SHOWN)
    lines = text.to_string(index=False, na_rep="", float_format="{:.3g}".format).splitlines()
    rows = "\n".join(line.rstrip() for line in lines)
    claims = read_table(tables / "claims.csv", constants("tables", "claims")["COLUMNS"])
    return (
        f"""
Perplexity{whose}, geometric mean over all languages:

{rows}

{count_verdicts(claims["verdict"])} ({tables / "claims.md"})
{f"report: {report}" if report and report.is_file() else ""}
""".rstrip("\n")
        + "\n"
    )


def intervals(low: pd.Series, high: pd.Series) -> list[str]:
    """`[low, high]` for each pair, empty where there is none."""
    pairs = zip(low, high, strict=True)
    return ["" if pd.isna(a) else f"[{a:.3f}, {b:.3f}]" for a, b in pairs]


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--report", type=Path, help="named where it is there")
    options = parser.parse_args()
    print(summary(options.tables, options.report), end="")


if __name__ == "__main__":
    run(main, log_environment=False)
