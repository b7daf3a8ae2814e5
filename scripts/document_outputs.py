"""Write the generated page of what an experiment leaves: tables with their columns, and figures."""

import argparse
from pathlib import Path

from multiprune.experiment import output_page
from multiprune.files.writing import replacing
from multiprune.jobs.command import run


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with replacing(options.output) as temporary:
        temporary.write_text(output_page.render(), encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
