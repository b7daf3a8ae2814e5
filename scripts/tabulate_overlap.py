"""Statistics of one model -> overlap table: which calibration sets activate the same features."""

import argparse
import json

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import write_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import write_origin
from multiprune.tables.overlap import tabulate_overlap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.experiment.grid.Grid")
    parser.add_argument("--sets", required=True, help="names of calibration sets, JSON list")
    parser.add_argument(
        "--share", type=float, default=0.1, help="share of channels that are top or bottom features"
    )
    parser.add_argument("--output", required=True, help="CSV")
    arguments = parser.parse_args()
    grid, sets = Grid.parse(arguments.grid), names(arguments.sets)
    with noting_inputs() as inputs:
        table = tabulate_overlap(arguments.results, arguments.model, grid, sets, arguments.share)
    write_table(arguments.output, table)
    write_origin(arguments.output, __file__, inputs, grid.seeds)


def names(text: str) -> list[str]:
    """A JSON list of names."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"--sets: is not JSON ({error})") from None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise InputError(f"--sets: a JSON list of names is expected, found {text}")
    return found


if __name__ == "__main__":
    run(main)
