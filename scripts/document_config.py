"""Write the generated pages: all configuration keys, and the state of a grid's constants."""

import argparse
from pathlib import Path

import yaml

from multiprune.experiment import deviations
from multiprune.experiment import key_page as config_table
from multiprune.files.writing import replacing
from multiprune.jobs.command import run


def main() -> None:
    """Write both pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=Path, required=True, help="page of all keys")
    parser.add_argument("--config", type=Path, required=True, help="config with `sources`")
    parser.add_argument("--deviations", type=Path, required=True, help="page of its constants")
    options = parser.parse_args()
    config = yaml.safe_load(options.config.read_text(encoding="utf-8"))
    pages = {
        options.keys: config_table.render(),
        options.deviations: deviations.render(config, options.config.name),
    }
    for path, text in pages.items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
