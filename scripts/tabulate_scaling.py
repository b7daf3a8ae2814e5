"""Perplexity records of one model -> scaling table: what more calibration languages bring."""

import argparse

from multiprune.experiment.grid import Grid
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import write_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import write_origin
from multiprune.tables.scaling import tabulate_scaling


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.experiment.grid.Grid")
    parser.add_argument("--output", required=True, help="CSV")
    arguments = parser.parse_args()
    grid = Grid.parse(arguments.grid)
    with noting_inputs() as inputs:
        table = tabulate_scaling(arguments.results, arguments.model, grid)
    write_table(arguments.output, table)
    write_origin(arguments.output, __file__, inputs, grid.seeds)


if __name__ == "__main__":
    run(main)
