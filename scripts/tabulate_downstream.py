"""Downstream records of one model -> accuracies with paired tests, and RankC."""

import argparse

from multiprune.experiment.grid import Grid
from multiprune.files.noted_inputs import noting_inputs
from multiprune.files.tables import write_table
from multiprune.jobs.command import run
from multiprune.jobs.provenance import write_origin
from multiprune.tables.consistency import tabulate_consistency
from multiprune.tables.downstream import tabulate_downstream
from multiprune.tables.downstream_runs import DownstreamRuns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="folder results/<experiment>")
    parser.add_argument("--model", required=True)
    parser.add_argument("--grid", required=True, help="JSON, see multiprune.experiment.grid.Grid")
    parser.add_argument("--downstream", required=True, help="CSV, a row per language and metric")
    parser.add_argument("--consistency", required=True, help="CSV, a row per language")
    arguments = parser.parse_args()
    runs = DownstreamRuns(arguments.results, arguments.model, Grid.parse(arguments.grid))
    with noting_inputs() as inputs:
        downstream, consistency = tabulate_downstream(runs), tabulate_consistency(runs)
    write_table(arguments.downstream, downstream)
    write_table(arguments.consistency, consistency)
    for table in (arguments.downstream, arguments.consistency):
        write_origin(table, __file__, inputs, runs.grid.seeds)


if __name__ == "__main__":
    run(main)
