"""Perplexity records of one model -> perplexity table per language and summary table."""

import argparse

from multiprune.experiment.grid import Grid
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import write_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import write_origin
from multiprune.tables.perplexity import tabulate_perplexity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.experiment.grid.Grid")
    parser.add_argument("--perplexity", required=True, help="CSV, a row per language and seed")
    parser.add_argument("--summary", required=True, help="CSV, a row per method and language set")
    arguments = parser.parse_args()
    grid = Grid.parse(arguments.grid)
    with noting_inputs() as inputs:
        perplexity, summary = tabulate_perplexity(arguments.results, arguments.model, grid)
    write_table(arguments.perplexity, perplexity)
    write_table(arguments.summary, summary)
    for table in (arguments.perplexity, arguments.summary):
        write_origin(table, __file__, inputs, grid.seeds)


if __name__ == "__main__":
    run(main)
