"""Write config/README.md, the table of all configuration keys, from config/schema.yaml."""

import argparse
from pathlib import Path

from multiprune.artefacts import replacing
from multiprune.command import run
from multiprune.config_table import render


def main() -> None:
    """Write the table, or say that it is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with replacing(options.output) as temporary:
        temporary.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    run(main)
