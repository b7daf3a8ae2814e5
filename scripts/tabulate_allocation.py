"""Masks of one model -> allocation table: sparsity and importance of every block."""

import argparse

from multiprune.block_tables import tabulate_allocation
from multiprune.command import run
from multiprune.grid import Grid
from multiprune.table_files import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.grid.Grid")
    parser.add_argument("--output", required=True, help="CSV")
    arguments = parser.parse_args()
    grid = Grid.parse(arguments.grid)
    write_table(arguments.output, tabulate_allocation(arguments.results, arguments.model, grid))


if __name__ == "__main__":
    run(main)
