"""What a finished run prints: the table of results, and a line for each paper and question."""

from pathlib import Path

import pandas as pd
import pytest

from multiprune.files.json import write_json
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


@pytest.fixture
def empty(tables, tmp_path) -> Path:
    """The summary alone, of a run that asked for both further tables."""
    grid = fixed_records.content_of()
    grid["methods"]["wanda-own"] = {
        "seeds": [0], "sparsities": ["0.5"], "members": {"de": "wanda-own-de"}, "calibration": [],
    }  # fmt: skip
    grid["methods"]["wanda-own-de"] = {"calibration": ["de"], "seeds": [0], "sparsities": ["0.5"]}
    task = {"kind": "parallel_translation", "languages": ["de"], "missing": {}}
    grid["downstream"]["tasks"]["short"] = task
    folder = tmp_path / "tables"
    folder.mkdir()
    write_json(tmp_path / "grid.json", grid)
    (folder / "summary.csv").write_bytes((tables / "summary.csv").read_bytes())
    return folder


def test_tables_of_an_earlier_run_are_not_those_of_this_one(empty):
    """An overlay's tables stay where they are; they may have been made by another version."""
    write_json(empty.parent / "grid.json", fixed_records.content_of())
    for name in ("interference", "translation"):
        (empty / f"{name}.csv").write_text("other,columns\n1,2\n")
    assert "Interference" not in summary(empty, None)
    assert "Translation" not in summary(empty, None)


def test_interference_by_hand(empty):
    cells = {"model": "m", "method": "wanda-own", "sparsity": 0.5, "seeds": 1}
    rows = [
        cells | {"language": "de", "factor": 1.0, "ci_low": 0.9, "ci_high": 1.1},
        cells | {"language": "sw", "factor": 1.21, "ci_low": 1.1, "ci_high": 1.3},
    ]
    write_table(empty / "interference.csv", pd.DataFrame(rows, columns=COLUMNS["interference"]))
    assert (
        "Interference in m at 0.5, perplexity under wanda / wanda-own: 1.100 over 2 "
        "languages, most in sw: 1.210 [1.100, 1.300].\n"
    ) in summary(empty, None)


def test_translation_is_compared_over_the_languages_that_all_have(empty):
    cells = {"model": "m", "seed": 0, "task": "short", "metric": "chrf"}
    scores = {
        ("dense", 0.0): {"de": 40.0, "sw": 20.0},
        ("wanda", 0.5): {"de": 30.0, "sw": 10.0},
        ("kim", 0.5): {"de": 31.0},
    }
    rows = [
        cells | {"method": method, "sparsity": sparsity, "language": language, "score": score}
        for (method, sparsity), of in scores.items()
        for language, score in of.items()
    ]
    rows += [row | {"metric": "bleu", "score": 1.0} for row in rows]
    rows.append({"model": "m", "task": "short", "language": "xx", "note": "no text"})
    write_table(empty / "translation.csv", pd.DataFrame(rows, columns=COLUMNS["translation"]))
    means = "dense 40.0, kim 0.5 31.0, wanda 0.5 30.0"
    assert f"\nTranslation by m (short), chrF over 1 language: {means}.\n" in summary(empty, None)
    rows = [{"model": "m", "task": "short", "language": "xx", "note": "no text"}]
    write_table(empty / "translation.csv", pd.DataFrame(rows, columns=COLUMNS["translation"]))
    assert "Translation" not in summary(empty, None)
