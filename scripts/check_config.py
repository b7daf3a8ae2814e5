"""Say what is wrong with a config, or that nothing is; several files as with --configfile.

Snakemake reads config files before it reads the workflow: for a file that is not there or not
YAML its own message says little or is a traceback.
"""

import argparse
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from multiprune.claims.reading import read_claims
from multiprune.experiment.methods import grid
from multiprune.experiment.names import claims_file
from multiprune.experiment.reading import check_file
from multiprune.experiment.sizes import misstated
from multiprune.experiment.table_grids import check_figures
from multiprune.experiment.validation import validate
from multiprune.fetch.known_models import check_known
from multiprune.fetch.room import short_texts
from multiprune.jobs.command import run


def main() -> None:
    """Check each file, then all of them together, with the figures and claims that they name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configs", type=Path, nargs="+", help="config file, then its overlays")
    options = parser.parse_args()
    merged = {}
    for path in options.configs:
        check_file(path)
        update_config(merged, load_configfile(path))
    experiment = validate(merged)
    check_figures(experiment)
    read_claims(claims_file(experiment))
    check_known(experiment, "resources/models")
    for line in (*misstated(experiment), *short_texts(experiment)):
        print("note:", line)
    counts = {
        "models": experiment.models,
        "languages": experiment.languages,
        "runs": grid(experiment),
    }
    print("ok:", ", ".join(f"{len(found)} {what}" for what, found in counts.items()))


if __name__ == "__main__":
    run(main, log_environment=False)
