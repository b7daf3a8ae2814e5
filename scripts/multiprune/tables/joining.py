"""Tables of one kind, a file per model, below each other."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from multiprune.files.tables import read_table
from multiprune.registry import constants


def join(folder: Path, models: Sequence[str], table: str) -> pd.DataFrame:
    """The models' tables of one kind in the given order, cells as they are written.

    folder: holds `{model}/{table}.csv`.
    """
    columns = constants("tables", table)["COLUMNS"]
    paths = [folder / model / f"{table}.csv" for model in models]
    return pd.concat([read_table(path, columns, text=True) for path in paths])
