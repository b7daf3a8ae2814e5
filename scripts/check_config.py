"""Say what is wrong with a config, or that nothing is; several files as with --configfile.

Snakemake reads config files before it reads the workflow: for a file that is not there or not
YAML its own message says little or is a traceback.
"""

import argparse
from pathlib import Path

from multiprune.claims.reading import read_claims
from multiprune.experiment.methods import grid
from multiprune.experiment.names import claims_file
from multiprune.experiment.news import in_words, news
from multiprune.experiment.reading import load
from multiprune.experiment.sizes import remarks
from multiprune.experiment.table_grids import check_figures
from multiprune.experiment.validation import validate
from multiprune.fetch.known_models import check_known, check_local_models, check_sources_there
from multiprune.fetch.room import few_windows, too_short
from multiprune.jobs.command import run


def main() -> None:
    """Check each file, then all of them together, with the figures and claims that they name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configs", type=Path, nargs="+", help="config file, then its overlays")
    options = parser.parse_args()
    experiment = validate(load(options.configs))
    check_figures(experiment)
    if path := claims_file(experiment):
        read_claims(path)
    check_known(experiment, "resources/models")
    check_sources_there(experiment, "resources")
    check_local_models(experiment)
    short = list(too_short(experiment))
    for line in (*short, *remarks(experiment), *few_windows(experiment)):
        print("note:", line)
    counts = {
        "models": experiment.models,
        "languages": experiment.languages,
        "runs": grid(experiment),
    }
    judged = "likely to fail for want of text" if short else "ok"
    listed = [
        f"{len(found)} {what[: -1 if len(found) == 1 else None]}" for what, found in counts.items()
    ]
    print(f"{judged}:", ", ".join(listed))
    for line in in_words(news(experiment, f"results/{experiment.experiment}"), experiment):
        print(f"against the finished results: {line}")


if __name__ == "__main__":
    run(main, log_environment=False)
