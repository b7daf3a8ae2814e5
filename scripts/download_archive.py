"""Download the archive of one package of npm, PyPI or Debian.

`--definition` is {"registry", "package"} and, as far as the config has them, "version", "address"
and "sha256". An archive that is there is left as it is, unless its SHA-256 is not the pinned one.
"""

import argparse
import shutil
from pathlib import Path

from multiprune.fetch.archives import check_content, download
from multiprune.fetch.definitions import parse_definition
from multiprune.files.folders import folder_lock
from multiprune.files.writing import link, replacing, scratch_folder
from multiprune.jobs.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--definition", required=True, help="which package, as JSON")
    parser.add_argument("--archive", required=True, type=Path, help="file to write")
    parser.add_argument("--link", type=Path, help="a link to the file")
    options = parser.parse_args()
    definition = parse_definition(options.definition, {"registry", "package"})
    with folder_lock(options.archive):
        if options.archive.is_file():
            check_content(options.archive, definition)
        else:
            fetch(definition, options.archive)
    if options.link:
        link(options.archive, options.link)


def fetch(definition: dict, archive: Path) -> None:
    """Download and compare beside the archive's place; a failure leaves nothing there."""
    with scratch_folder() as folder, replacing(archive) as temporary:
        found = download(definition, folder)
        check_content(found, definition)
        shutil.copyfile(found, temporary)


if __name__ == "__main__":
    run(main)
