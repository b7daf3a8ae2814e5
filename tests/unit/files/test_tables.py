"""Tables on disk."""

import csv
import math

import pandas as pd

from multiprune.files.tables import read_table, write_table

CLAIMS = ["claim", "note", "value"]
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


def test_text_is_no_formula_on_disk_and_comes_back_as_it_was(tmp_path):
    """Names that are joined on must match, and what is written twice must not change."""
    notes = ["=1+1", "-0.5 as in the paper", "'=x", "-0.5", None]
    table = pd.DataFrame({"claim": list("abcde"), "note": notes, "value": [-1.5, 2, 3, 4, 5]})
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    write_table(first, table)
    with open(first, newline="") as file:
        cells = [row["note"] for row in csv.DictReader(file)]
    assert cells == ["'=1+1", "'-0.5 as in the paper", "''=x", "-0.5", ""]
    back = read_table(first, CLAIMS)
    assert back["note"].tolist()[:4] == notes[:4]
    assert back["value"].tolist() == table["value"].tolist()
    write_table(second, read_table(first, CLAIMS, text=True))
    assert second.read_bytes() == first.read_bytes()


def test_cells_of_several_types_are_written_as_they_are(tmp_path):
    cells = pd.Series([1, None, 0.5, "=x", True], dtype=object)
    write_table(tmp_path / "mixed.csv", pd.DataFrame({"name": list("abcde"), "cell": cells}))
    lines = (tmp_path / "mixed.csv").read_text().splitlines()
    assert lines == ["name,cell", "a,1", "b,", "c,0.5", "d,'=x", "e,True"]
