"""The joined summary table -> the results in words, for the first page of the report."""

import argparse

from multiprune.experiment.grid import Grid
from multiprune.files.checksums import replacing_signed
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import read_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import origin
from multiprune.registry import constants
from multiprune.report.findings import document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="CSV of all models")
    parser.add_argument("--grid", required=True, help="results/<experiment>/grid.json")
    parser.add_argument("--output", required=True, help="reStructuredText")
    arguments = parser.parse_args()
    grid = Grid.read(arguments.grid)
    with noting_inputs() as inputs:
        summary = read_table(arguments.table, constants("tables", "summary")["COLUMNS"])
    with replacing_signed(arguments.output, origin(__file__, inputs, grid.seeds)) as temporary:
        temporary.write_text(document(summary, grid), encoding="utf-8")


if __name__ == "__main__":
    run(main)
