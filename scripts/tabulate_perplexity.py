"""Perplexity records of one model -> perplexity table per language and summary table."""

import argparse

from multiprune.command import run
from multiprune.grid import Grid
from multiprune.perplexity_tables import tabulate_perplexity
from multiprune.table_files import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.grid.Grid")
    parser.add_argument("--perplexity", required=True, help="CSV, a row per language and seed")
    parser.add_argument("--summary", required=True, help="CSV, a row per method and language set")
    arguments = parser.parse_args()
    grid = Grid.parse(arguments.grid)
    perplexity, summary = tabulate_perplexity(arguments.results, arguments.model, grid)
    write_table(arguments.perplexity, perplexity)
    write_table(arguments.summary, summary)


if __name__ == "__main__":
    run(main)
