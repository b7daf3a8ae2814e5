"""The order of a table's rows."""

import pandas as pd


def in_order(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The rows sorted by these columns, sparsities as numbers, and numbered from 0."""
    return table.sort_values(keys, key=_as_number).reset_index(drop=True)


def _as_number(column: pd.Series) -> pd.Series:
    return column.astype(float) if column.name == "sparsity" else column
