"""The table of examples: dense first, one line each, nothing that a page cannot show."""

import pytest

from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.files.json import write_json
from multiprune.files.tables import read_table, write_table
from multiprune.tables.examples import COLUMNS, tabulate

RUNS = [[0, "dense", "0"], [0, "alpha", "0.5"]]
GRID = Grid([0], {}, {}, examples={"languages": ["en", "sw"], "runs": RUNS})


def write(folder, method: str, sparsity: str, text: str) -> None:
    examples = {
        language: {"prompt": f"{language} a", "continuation": text} for language in ("en", "sw")
    }
    path = folder / "m/seed0/examples" / method / f"{sparsity}.json"
    path.parent.mkdir(parents=True)
    write_json(path, {"examples": examples})


def test_a_row_a_language_and_model_with_dense_first(tmp_path):
    write(tmp_path, "dense", "0", " and\n then\x00, \u200cnan")
    write(tmp_path, "alpha", "0.5", "=1+1")
    table = tabulate(tmp_path, "m", GRID)
    assert list(table["language"]) == ["en", "en", "sw", "sw"]
    assert list(table["method"]) == ["dense", "alpha"] * 2
    assert table["continuation"][0] == "and then\ufffd, \u200cnan"
    write_table(tmp_path / "examples.csv", table)
    again = read_table(tmp_path / "examples.csv", COLUMNS, text=True)
    assert again["continuation"][1] == "=1+1"  # and no formula in the file
    assert ",'=1+1" in (tmp_path / "examples.csv").read_text()


def test_a_record_without_a_language_is_set_aside(tmp_path):
    write(tmp_path, "dense", "0", "x")
    write(tmp_path, "alpha", "0.5", "x")
    more = Grid([0], {}, {}, examples={"languages": ["de"], "runs": RUNS})
    with pytest.raises(InputError, match="is not a record of examples"):
        tabulate(tmp_path, "m", more)
