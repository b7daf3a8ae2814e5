"""What was measured of one model -> one of its tables."""

import argparse
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.grid import OTHER_TABLE, Grid
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import read_table, write_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import origin
from multiprune.registry import constants, find


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--table", required=True, help="a file of multiprune/tables, such as claims"
    )
    parser.add_argument("--results", type=Path, required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="results/<experiment>/grid.json")
    parser.add_argument(
        "--claims", type=Path, nargs="?", help="YAML, see config/claims.yaml; for what reads it"
    )
    parser.add_argument(
        "--tables", type=Path, nargs="*", default=[], help="of the model, for what reads others"
    )
    parser.add_argument("--output", required=True, help="CSV")
    options = parser.parse_args()
    table = find("tables", options.table, having="COLUMNS")
    grid = Grid.read(options.grid)
    with noting_inputs() as inputs:
        given = further(table.READS, options)
        rows = table.tabulate(options.results, options.model, grid, **given)
    named = [f"tables.{options.table}"]
    write_table(options.output, rows, origin(__file__, inputs, grid.seeds, named=named))


def further(reads: tuple[str, ...], options: argparse.Namespace) -> dict:
    """What a table reads beside results, by the name that `tabulate` has for it.

    Another table is None where it is not made.
    """
    others = [name for name in reads if name.startswith(OTHER_TABLE)]
    given = {name.removeprefix(OTHER_TABLE): None for name in others}
    for path in options.tables:
        if path.stem not in given:
            raise InputError(f"--tables: {path}, which {options.table} does not read; leave it out")
        given[path.stem] = read_table(path, constants("tables", path.stem)["COLUMNS"])
    if "claims" in reads:
        if options.claims is None:
            raise InputError(f"--claims: is missing; {options.table} needs the file of claims")
        given["claims"] = options.claims
    return given


if __name__ == "__main__":
    run(main)
