"""Joined tables -> one figure of one model as PDF and PNG, and its caption."""

import argparse
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.figures.registry import figure_kind
from multiprune.figures.style import SETTINGS
from multiprune.figures.wording import document, unknown_languages
from multiprune.files.checksums import replacing_signed
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import COLUMNS, read_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import TABLE_PACKAGES, as_text, origin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, help="name in multiprune.figures.registry")
    parser.add_argument("--model", required=True)
    parser.add_argument("--tables", required=True, help="folder with the joined tables")
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.experiment.grid.Grid")
    parser.add_argument("--pdf", required=True)
    parser.add_argument("--png", required=True)
    parser.add_argument("--caption", required=True, help="reStructuredText")
    arguments = parser.parse_args()
    kind, grid = figure_kind(arguments.figure), Grid.parse(arguments.grid)
    with noting_inputs() as inputs:
        tables = {
            name: table_of_model(Path(arguments.tables) / f"{name}.csv", arguments.model, grid)
            for name in kind.tables
        }
    grid, unknown = unknown_languages(tables, grid)
    made_of = as_text(origin(__file__, inputs, grid.seeds, [*TABLE_PACKAGES, "matplotlib"]))
    with matplotlib.rc_context(SETTINGS):
        figure = kind.draw(tables, grid)
        save(figure, arguments.pdf, "pdf", {"CreationDate": None, "Keywords": made_of})
        save(figure, arguments.png, "png", {"Software": None, "Comment": made_of})
    with replacing_signed(arguments.caption) as temporary:
        caption = kind.caption(tables, grid, arguments.model)
        temporary.write_text(f"{caption}\n{document(unknown)}" if unknown else caption, "utf-8")


def table_of_model(path: Path, model: str, grid: Grid) -> pd.DataFrame:
    """The rows of one model; InputError where the grid does not have their methods."""
    table = read_table(path, COLUMNS[path.stem])
    table = table[table["model"] == model]
    methods = table["method"].dropna() if "method" in table else []
    unknown = set(methods) - set(grid.methods)
    if unknown:
        raise InputError(f"{path}: methods {sorted(unknown)} are not in --grid; rebuild it")
    return table


def save(figure: Figure, target: str, format: str, metadata: dict) -> None:
    """Write a figure without the time, which would change its bytes in every run."""
    with replacing_signed(target) as temporary:
        figure.savefig(temporary, format=format, metadata=metadata)


if __name__ == "__main__":
    run(main)
