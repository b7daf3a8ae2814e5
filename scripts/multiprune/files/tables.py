"""Tables on disk: reading and writing.

Tables are CSV with full float precision, sorted, an empty cell for a missing value. Text that a
spreadsheet would compute has an apostrophe before it, which readers take away. Beside each table
stands its SHA-256, which readers check.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from multiprune.errors import InputError
from multiprune.files.aside import set_aside
from multiprune.files.checksums import checksum_problem, replacing_signed
from multiprune.files.markup import csv_text, text_of_csv
from multiprune.files.noted_inputs import note_input


def write_table(path: Path | str, table: pd.DataFrame, origin: dict | None = None) -> None:
    """Write CSV, with its checksum and origin beside it; a missing value becomes an empty cell."""
    with replacing_signed(path, origin or {}) as temporary:
        _on_text(table, csv_text).to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: Path | str, columns: list[str], text: bool = False) -> pd.DataFrame:
    """Read CSV with exactly these columns; only an empty cell is missing (`nan` is a language).

    text: keep every number as it is written.
    """
    note_input(path)
    kept = {"dtype": str, "keep_default_na": False} if text else {}
    try:
        if problem := checksum_problem(Path(path)):
            set_aside(path, problem)
        table = pd.read_csv(path, **({"keep_default_na": False, "na_values": [""]} | kept))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        set_aside(path, f"is not a table ({str(error).strip()})")
    if list(table.columns) != columns:
        raise InputError(
            f"{path}: columns {', '.join(table.columns)}; expected {', '.join(columns)}; "
            "remove the file and run the same command again"
        )
    return _on_text(table, text_of_csv)


def _on_text(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """The table with a change made to every cell that is text."""
    changed = {}
    for name, column in table.items():
        if pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column):
            cells = [change(cell) if isinstance(cell, str) else cell for cell in column]
            changed[name] = pd.array(cells, dtype=column.dtype)
    return table.assign(**changed)
