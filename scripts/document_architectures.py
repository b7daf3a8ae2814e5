"""Write the generated page of the architectures that are known."""

import argparse
from pathlib import Path

from multiprune.files.writing import replacing
from multiprune.jobs.command import run
from multiprune.models import architecture_page


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with replacing(options.output) as temporary:
        temporary.write_text(architecture_page.render(), encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
