"""Tables on disk: reading and writing.

Tables are CSV with full float precision, sorted, an empty cell for a missing value. Beside each
stands its SHA-256, which readers check.
"""

from pathlib import Path

import pandas as pd

from multiprune.errors import InputError
from multiprune.files.checksums import checksum_problem, replacing_signed
from multiprune.files.noted_inputs import note_input
from multiprune.files.writing import set_aside


def write_table(path: Path | str, table: pd.DataFrame, origin: dict | None = None) -> None:
    """Write CSV, with its checksum and origin beside it; a missing value becomes an empty cell."""
    with replacing_signed(path, origin or {}) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: Path | str, columns: list[str], text: bool = False) -> pd.DataFrame:
    """Read CSV with exactly these columns; only an empty cell is missing (`nan` is a language).

    text: keep every cell as it is written.
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
    return table
