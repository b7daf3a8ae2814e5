"""Put what runs have written into pages of the documentation, between marks that name the file."""

import argparse
import re
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.writing import replacing
from multiprune.jobs.command import run

# <!-- from docs/demo/summary.txt --> ... <!-- end -->
BLOCK = re.compile(r"(<!-- from (\S+) -->\n)(?:(?!<!-- from ).)*?(<!-- end -->)", re.DOTALL)


def filled(page: str, root: Path) -> str:
    """The text of a page with all its blocks as their files have them now.

    Markdown stands as it is, any other text as code. InputError where a file is not there, or a
    block has no end.
    """

    def block(found: re.Match) -> str:
        path = root / found[2]
        if not path.is_file():
            raise InputError(f"{found[2]}: no such file; a page has a block from it")
        text = path.read_text(encoding="utf-8").strip("\n")
        content = text if path.suffix == ".md" else f"```text\n{text}\n```"
        return f"{found[1]}\n{content}\n\n{found[3]}"

    text, blocks = BLOCK.subn(block, page)
    if blocks != page.count("<!-- from "):
        raise InputError("a block has no <!-- end -->")
    return text


def main() -> None:
    """Fill every page that has blocks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", type=Path, nargs="+", help="Markdown; paths in it are from here")
    for path in parser.parse_args().pages:
        with replacing(path) as temporary:
            page = filled(path.read_text(encoding="utf-8"), Path())
            temporary.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
