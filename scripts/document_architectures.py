"""Write the generated page of the architectures that are known."""

import argparse
from pathlib import Path

from multiprune import architecture_page
from multiprune.artefacts import replacing
from multiprune.command import run


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with replacing(options.output) as temporary:
        temporary.write_text(architecture_page.render(), encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
