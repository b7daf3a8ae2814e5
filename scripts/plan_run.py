"""Say in words what a run of a config will do: what is new, what comes from the cache, how long.

Computes nothing. A grid of thousands of jobs takes minutes to plan.
"""

import argparse
import os
from pathlib import Path

from multiprune.experiment.news import news
from multiprune.experiment.plan_in_words import sentences
from multiprune.experiment.reading import load
from multiprune.experiment.validation import validate
from multiprune.fetch.room import few_windows, too_short
from multiprune.jobs.command import run
from multiprune.jobs.dry_run import planned

MANY = 1000  # perplexities, of which planning takes so long that one wonders


def main() -> None:
    """Check the config, ask Snakemake for the jobs, and print the sentences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configs", type=Path, nargs="+", help="config file, then its overlays")
    options = parser.parse_args()
    experiment = validate(load(options.configs))
    results = Path("results", experiment.experiment)
    folders = [results, *sorted(path for path in Path("results").glob("*") if path != results)]
    folders = [path / "benchmarks" for path in folders if (path / "benchmarks").is_dir()]
    found = news(experiment, results)
    if found.wanted > MANY:
        told = f"{found.wanted:,} perplexities: asking Snakemake for their jobs takes minutes ..."
        print(told, flush=True)
    jobs, reasons = planned(options.configs)
    cores = len(os.sched_getaffinity(0))
    for line in sentences(experiment, found, jobs, folders, cores, reasons):
        print(line)
    for line in too_short(experiment):
        print("likely to fail:", line)
    for line in few_windows(experiment):
        print("note:", line)


if __name__ == "__main__":
    run(main, log_environment=False)
