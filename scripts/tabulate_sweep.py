"""Sweeps of one model -> table of all candidates and their distance from the best."""

import argparse
import json

from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import write_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import write_origin
from multiprune.tables.sweep import tabulate_sweep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--methods", type=json.loads, required=True, help="JSON list of methods")
    parser.add_argument("--draws", type=int, required=True, help="of the bootstrap")
    parser.add_argument("--confidence", type=float, required=True)
    parser.add_argument("--output", required=True, help="CSV")
    options = parser.parse_args()
    with noting_inputs() as inputs:
        table = tabulate_sweep(
            options.results,
            options.model,
            options.seed,
            options.methods,
            options.draws,
            options.confidence,
        )
    write_table(options.output, table)
    write_origin(options.output, __file__, inputs, [options.seed])


if __name__ == "__main__":
    run(main)
