"""Tables on disk."""

import math

import pandas as pd

from multiprune.files.tables import read_table, write_table

COLUMNS = ["model", "seed", "block", "input", "language_a", "language_b", "correlation"]


def test_csv_keeps_every_digit_and_the_language_nan(tmp_path):
    path = tmp_path / "correlation.csv"
    values = ["m", 0, 1, "up_proj", "nan", "no", 0.1 + 0.2]
    table = pd.DataFrame([values, [*values[:-1], None]], columns=COLUMNS)
    write_table(path, table)
    back = read_table(path, COLUMNS)
    assert back["language_a"].tolist() == ["nan", "nan"]
    assert back["correlation"].iloc[0] == 0.1 + 0.2
    assert math.isnan(back["correlation"].iloc[1])
