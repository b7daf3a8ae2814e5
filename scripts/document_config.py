"""Write what is generated: the page and schema of all keys, and the state of a grid's constants."""

import argparse
from pathlib import Path

from multiprune.experiment import deviations, key_page
from multiprune.experiment.reading import load
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.json_schema import schema_file
from multiprune.experiment.validation import validate
from multiprune.files.writing import replacing
from multiprune.jobs.command import run


def main() -> None:
    """Write those that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=Path, help="page of all keys")
    parser.add_argument("--schema", type=Path, help="JSON schema, for editors")
    parser.add_argument(
        "--config", type=Path, nargs="+", required=True, help="config with `sources`, its overlays"
    )
    parser.add_argument("--deviations", type=Path, required=True, help="page of its constants")
    options = parser.parse_args()
    config = load(options.config)
    validate(config)
    names = " with ".join(path.name for path in options.config)
    pages = {
        options.keys: key_page.render(),
        options.schema: schema_file(Experiment),
        options.deviations: deviations.render(config, names),
    }
    for path, text in pages.items():
        if path is None:
            continue
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
