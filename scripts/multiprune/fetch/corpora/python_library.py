"""Code text that is on every machine: the standard library of the Python that runs.

Only modules that are one file: packages add tests, tables of character sets and copies of documents
that are no typical code. A row is a run of whole lines of one module.
"""

import platform
import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.enough import Windows, enough
from multiprune.fetch.normal_form import normal_text
from multiprune.fetch.splits import (
    Dealt,
    split_of_position,
    without_repeats,
)

# The calibration split gets 60%: enough for 128 windows of 2,048 tokens at 6 characters a token.
MOST_CHARACTERS = 3_000_000
ROW_CHARACTERS = 2_000


def read(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """Rows of the modules whose names match the pattern `text`; Python's version is noted."""
    dealt = [
        ({"id": name, "text": normal_text(row)}, split_of_position(position))
        for position, (name, row) in enumerate(read_library(text))
    ]
    kept, notes = without_repeats(dealt)
    version = f"{platform.python_implementation()} {platform.python_version()}"
    return kept, notes | {"python": version}


def check(corpus: dict, pinned: dict, text: str, source: Path | None, windows: Windows) -> str:
    """How many paragraphs the library gives, if they can be enough."""
    dealt, _notes = read(corpus, text, source)
    return enough(dealt, windows)


def read_library(pattern: str, folder: Path | None = None) -> list[tuple[str, str]]:
    """(id, text) of rows of the modules whose names match `pattern` (`*`: all), sorted by name.

    Ids are `{module}.{number of the row}`. Ends before MOST_CHARACTERS. `folder` stands in for the
    library's own. Raises InputError where no module matches.
    """
    folder = folder or Path(sysconfig.get_path("stdlib"))
    rows, characters = [], 0
    for module in sorted(sys.stdlib_module_names):
        path = folder / f"{module}.py"
        if not fnmatchcase(module, pattern) or not path.is_file():
            continue
        with tokenize.open(path) as file:  # in the encoding that the module declares
            text = file.read()
        for number, row in enumerate(_runs_of_lines(text), start=1):
            characters += len(row)
            if characters > MOST_CHARACTERS:
                return rows
            rows.append((f"{module}.{number:03d}", row))
    if not rows:
        raise InputError(
            f"{folder}: no module of Python's library is called {pattern!r}; `text` of a "
            "python_library corpus is a pattern of module names, such as '*'"
        )
    return rows


def _runs_of_lines(text: str) -> Iterator[str]:
    run: list[str] = []
    size = 0
    for line in text.splitlines():
        run.append(line)
        size += len(line) + 1
        if size >= ROW_CHARACTERS:
            yield "\n".join(run)
            run, size = [], 0
    if any(line.strip() for line in run):
        yield "\n".join(run)
