"""What a finished run prints: the table of results, and a line for each paper and question."""

from pathlib import Path

import pandas as pd
import pytest

from multiprune.files.tables import write_table
from print_summary import summary
from unit.claims import fixed_records
from unit.columns import COLUMNS

ROW = {
    "model": "m", "language_set": "all", "languages": 4, "seeds": 1, "perplexity": 20.0,
    "bits_per_byte": 1.0, "sparsity": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    results, grid = tmp_path_factory.mktemp("run"), fixed_records.grid_of()
    fixed_records.write(results, grid)
    folder = results / "tables"
    folder.mkdir()
    write_table(folder / "claims.csv", fixed_records.table_of(results, grid))
    dense = ROW | {"method": "dense", "sparsity": 0.0, "ratio_to_dense": 1.0}
    dense |= {"ci_low": 1.0, "ci_high": 1.0}
    wanda = ROW | {"method": "wanda", "ratio_to_dense": 1.1, "ci_low": 1.0003, "ci_high": 1.2}
    write_table(folder / "summary.csv", pd.DataFrame([dense, wanda], columns=COLUMNS["summary"]))
    return folder


def test_intervals_have_the_digits_that_they_need_and_none_without_width(tables):
    lines = [line.split() for line in summary(tables, tables / "report.html").splitlines()]
    assert ["dense", "0", "20.00", "1.000"] in lines
    assert ["wanda", "0.5", "20.00", "1.1000", "[1.0003,", "1.2000]"] in lines


def test_claims_are_a_line_for_each_paper_and_question_and_costs_are_apart(tables):
    text = summary(tables, tables / "report.html")
    assert "\nHarm of pruning: points for.\n" in text
    assert "\nM-Wanda (our constants): of 3 quality claims 2 point against, 1 is mixed.\n" in text
    assert "\nCosts of M-Wanda (our constants): of 2 cost claims 2 point for.\n" in text
    assert "\nNot measured: 5 of 14 claims.\n" in text
    assert text.endswith(f"\nclaims: {tables / 'claims.md'}\n")  # no report is there


def test_without_claims_nothing_is_said_of_them(tables, tmp_path):
    (tmp_path / "summary.csv").write_bytes((tables / "summary.csv").read_bytes())
    (tmp_path / "report.html").touch()
    text = summary(tmp_path, tmp_path / "report.html")
    assert "claims:" not in text
    assert "quality" not in text
    assert text.endswith(f"\nreport: {tmp_path / 'report.html'}\n")
