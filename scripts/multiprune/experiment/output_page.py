"""The page that says what an experiment leaves: every table with its columns, every figure."""

import re

from multiprune.registry import constants, names, summary

HEAD = """# What comes out

For whoever opens a results folder. Generated from the captions of the tables (`make docs`); the
report has the same texts beside each table.

| below `results/{experiment}/` | what it is |
|---|---|
| `report.html` | findings, figures, tables, claims; made by `make demo`, or on request |
| `tables/{table}.csv` | the tables below, of all models |
| `tables/claims.md`, `claims.tex` | the verdict on each claim, for a page or a paper |
| `figures/{figure}-{model}.png`, `.pdf` | the figures below, one of each model |
| `captions/` | what each figure shows, with its numbers |
| `{model}/seed{seed}/` | windows, statistics, masks, records: [formats](method.md#formats) |
| `{model}/cache/` | every measurement once more, kept for later runs |
| `logs/` | one log a job; `snakemake -n -p -f FILE` prints the command that makes a file |
| `benchmarks/` | time and memory of each job, as Snakemake measured them |

Start with `tables/summary.csv`: one number a method. `tables/perplexity.csv` has one a language.
`model` is the name in the config; *dense* is the unpruned model.

## Tables

"""
FIGURES = """## Figures

Each is drawn for every model, as PNG and PDF, from the tables beside it.

| figure | shows | drawn from |
|---|---|---|
"""
COLUMN = re.compile(r"\*\*([a-z0-9_, ]+)\*\*")


def render() -> str:
    """The whole page: tables and figures in the order of their names."""
    parts = [HEAD]
    for table in names("tables", having="COLUMNS"):
        parts.append(f"### {table}\n\n`tables/{table}.csv`. {_when(table)}\n\n")
        parts.append(_markdown(str(constants("tables", table)["CAPTION"])) + "\n")
    parts.append(FIGURES)
    for figure in names("figures", having="TABLES"):
        tables = ", ".join(f"`{table}`" for table in constants("figures", figure)["TABLES"])
        parts.append(f"| `{figure}` | {summary('figures', figure)} | {tables} |\n")
    return "".join(parts)


def explained(caption: str) -> set[str]:
    """The columns that a caption names in bold."""
    return {name.strip() for found in COLUMN.findall(caption) for name in found.split(",")}


def _when(table: str) -> str:
    needs = constants("tables", table).get("NEEDS")
    if constants("tables", table)["STANDARD"]:
        return f"Made where the config has {needs}." if needs else "Made in every experiment."
    return "Made where a figure shows it" + (f" and the config has {needs}." if needs else ".")


def _markdown(text: str) -> str:
    """Captions are reStructuredText; literals are all that differs from Markdown in them."""
    return text.replace("``", "`")
