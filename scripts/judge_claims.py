"""Records and benchmarks of one model -> a verdict on every claim of the papers."""

import argparse

from multiprune.claims.reading import read_claims
from multiprune.claims.verdicts import tabulate_claims
from multiprune.experiment.grid import Grid
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import write_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import write_origin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", required=True, help="YAML, see config/claims.yaml")
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.experiment.grid.Grid")
    parser.add_argument("--structure", nargs="?", help="table of how alike languages are, if made")
    parser.add_argument("--output", required=True, help="CSV, a row per claim")
    arguments = parser.parse_args()
    grid = Grid.parse(arguments.grid)
    with noting_inputs() as inputs:
        claims = read_claims(arguments.claims)
        table = tabulate_claims(
            claims, arguments.results, arguments.model, grid, arguments.structure
        )
    write_table(arguments.output, table)
    write_origin(arguments.output, __file__, inputs, grid.seeds)


if __name__ == "__main__":
    run(main)
