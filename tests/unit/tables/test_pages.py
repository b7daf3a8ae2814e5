"""Pages of tables: what they show of a table, and that its file can be had from them."""

import base64
import re
from pathlib import Path

import pandas as pd
import pytest

from multiprune.files.tables import write_table
from multiprune.tables.pages import ROWS, page


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "perplexity.csv"


def cells(html: str) -> list[str]:
    return re.findall(r"<td[^>]*>(.*?)</td>", html)


def test_decimals_are_shortened_and_all_else_is_kept(csv: Path):
    row = [
        "0.123456",
        "-12.5",
        "1234567.8",
        "3e-05",
        "0.5",
        "12345",
        "1.2.3",
        float("nan"),
        "nan",
        "m-1.5",
    ]
    table = pd.DataFrame([row], columns=list("abcdefghij"))
    write_table(csv, table)
    shown = ["0.123", "-12.5", "1.23e+06", "3e-05", "0.5", "12345", "1.2.3", "", "nan", "m-1.5"]
    assert cells(page(table, csv)) == shown


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("1.0", "1"), ("2.0004", "2.00"), ("259.018", "259"), ("1234.5", "1230"), ("-0.0", "-0")],
)
def test_what_is_rounded_looks_so_and_needs_no_exponent(cell: str, shown: str, csv: Path):
    table = pd.DataFrame({"a": [cell]})
    write_table(csv, table)
    assert cells(page(table, csv)) == [shown]


def test_no_number_is_rounded_to_what_its_verdict_compares_it_with(csv: Path):
    names = ["ci_low", "ci_high", "threshold"]
    rows = [["1.0031", "1.0496", "1.05"], ["0.99996", "1.0497", float("nan")]]
    table = pd.DataFrame(rows, columns=names)
    write_table(csv, table)
    assert cells(page(table, csv)) == ["1.003", "1.0496", "1.05", "0.99996", "1.05", ""]


def test_a_constant_column_is_said_once_and_methods_have_their_labels(csv: Path):
    table = pd.DataFrame(
        {
            "model": ["m<b>", "m<b>"],
            "note": ["", ""],
            "method": ["wanda", "m-wanda"],
            "ci_low": ["1.25", "1.5"],
        }
    )
    write_table(csv, table)
    html = page(table, csv, title="Methods & more", labels={"m-wanda": "M-Wanda <ours>"})
    assert cells(html) == ["wanda", "1.25", "M-Wanda &lt;ours&gt;", "1.5"]
    assert "The same in all rows: model = m&lt;b&gt;; note is empty." in html
    assert "<title>Methods &amp; more</title>" in html
    assert "<th>ci_<wbr>low</th>" in html
    one = page(table.head(1), csv)
    assert "The same" not in one
    assert len(cells(one)) == 4


def test_markup_is_shown_and_long_text_is_not_cut(csv: Path):
    table = pd.DataFrame({"reason": ["<script>alert(1)</script> & " + "long " * 40]})
    write_table(csv, table)
    html = page(table, csv)
    assert "<script" not in html
    assert cells(html)[0].startswith("&lt;script&gt;alert(1)&lt;/script&gt; &amp; long")
    assert cells(html)[0].count("long") == 40


@pytest.mark.parametrize(("rows", "said"), [(0, "0 rows"), (ROWS, f"{ROWS} rows"), (ROWS + 1, "")])
def test_long_tables_are_cut_but_their_file_is_whole(rows: int, said: str, csv: Path):
    table = pd.DataFrame({"model": [f"m{index}" for index in range(rows)]}, dtype=str)
    write_table(csv, table)
    html = page(table, csv)
    assert len(cells(html)) == min(rows, ROWS)
    assert (said or f"the first {ROWS} of {rows} rows") in html
    link = re.search(r'download="perplexity.csv" href="data:text/csv;base64,([^"]*)"', html)
    assert base64.b64decode(link[1]) == csv.read_bytes()
