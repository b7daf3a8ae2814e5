"""Tables of one model -> one figure as PDF and PNG, and its caption."""

import argparse
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.figures.labels import labelled
from multiprune.figures.style import SETTINGS
from multiprune.figures.wording import document, unknown_languages
from multiprune.files.checksums import replacing_signed
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import read_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import TABLE_PACKAGES, as_text, origin
from multiprune.registry import constants, find


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, help="a file of multiprune/figures")
    parser.add_argument("--model", required=True)
    parser.add_argument("--tables", type=Path, required=True, help="folder of the model's tables")
    parser.add_argument("--grid", required=True, help="results/<experiment>/grid.json")
    parser.add_argument("--pdf", required=True)
    parser.add_argument("--png", required=True)
    parser.add_argument("--caption", required=True, help="reStructuredText")
    arguments = parser.parse_args()
    figure = find("figures", arguments.figure, having="TABLES")
    grid = Grid.read(arguments.grid)
    with noting_inputs() as inputs:
        tables = {name: known_table(arguments.tables, name, grid) for name in figure.TABLES}
    grid, unknown = unknown_languages(tables, grid)
    tables, grid = labelled(tables, grid)
    packages, named = [*TABLE_PACKAGES, "matplotlib"], [f"figures.{arguments.figure}"]
    made_of = as_text(origin(__file__, inputs, grid.seeds, packages, named))
    with matplotlib.rc_context(SETTINGS):
        drawn = figure.draw(tables, grid)
        save(drawn, arguments.pdf, "pdf", {"CreationDate": None, "Keywords": made_of})
        save(drawn, arguments.png, "png", {"Software": None, "Comment": made_of})
    with replacing_signed(arguments.caption) as temporary:
        caption = figure.caption(tables, grid, arguments.model)
        temporary.write_text(f"{caption}\n{document(unknown)}" if unknown else caption, "utf-8")


def known_table(folder: Path, name: str, grid: Grid) -> pd.DataFrame:
    """A table of a folder; InputError where the grid does not have its methods."""
    path = folder / f"{name}.csv"
    table = read_table(path, constants("tables", name)["COLUMNS"])
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
