"""The script that makes any table, from files to a file."""

import pandas as pd
import pytest
from script_calls import assert_refused, call

from multiprune.experiment.grid import Grid
from multiprune.files.checksums import origin_of
from multiprune.files.json import read_json, write_json
from multiprune.files.tables import read_table, write_table
from multiprune.jobs import code_digest as digest
from multiprune.registry import find
from unit.columns import COLUMNS
from unit.tables import downstream_data, perplexity_data

CLAIM = """
claims:
  better:
    paper: none
    statement: owl is better than wanda
    source: a test
    measurement: {kind: perplexity_ratio, method: owl, reference: wanda}
    threshold: 1
    threshold_note: none
    direction: below
    paper_source: none
  kin:
    paper: none
    statement: languages of a family are alike
    source: a test
    measurement: {kind: family_alikeness}
    threshold: 0
    threshold_note: none
    direction: above
    paper_source: none
"""


@pytest.fixture
def results(tmp_path):
    perplexity_data.write_records(tmp_path)
    (tmp_path / "claims.yaml").write_text(CLAIM)
    return tmp_path


def words(results, table: str, grid: Grid, *more: object) -> list:
    write_json(results / "grid.json", vars(grid))
    named = ["--table", table, "--results", results, "--model", "m"]
    return [
        *named,
        "--grid",
        results / "grid.json",
        "--output",
        results / "out" / f"{table}.csv",
        *more,
    ]


@pytest.mark.parametrize("table", ["perplexity", "summary"])
def test_it_writes_what_the_module_tabulates(results, table):
    grid = perplexity_data.grid_of()
    assert call("tabulate_results", *words(results, table, grid)) == (0, [])
    path = results / "out" / f"{table}.csv"
    found = read_table(path, COLUMNS[table])
    write_table(results / "expected.csv", find("tables", table).tabulate(results, "m", grid))
    pd.testing.assert_frame_equal(found, read_table(results / "expected.csv", COLUMNS[table]))
    origin = read_json(origin_of(path))
    assert origin["seeds"] == [0, 1]
    assert len(origin["inputs"]) == 3 * 8  # languages, runs
    named = [f"tables.{table}"]
    script = digest.__file__.replace("multiprune/jobs/code_digest.py", "tabulate_results.py")
    assert origin["code"] == digest.code_digest(script, named)


def test_two_runs_write_the_same_bytes(tmp_path):
    grid = downstream_data.grid_of({"xnli": ["en", "fr"]}, ["wanda"])
    downstream_data.write_plausible(tmp_path, grid, 10)
    written = []
    for _ in range(2):
        for table in ("downstream", "consistency"):
            assert call("tabulate_results", *words(tmp_path, table, grid)) == (0, [])
        written.append({path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()})
    assert written[0] == written[1]


def test_another_table_is_read_where_it_is_given(results):
    pairs = [["m", 0, "all", "en", "fr", 0.5], ["m", 0, "all", "en", "sw", 0.1]]
    pairs.append(["m", 0, "all", "fr", "sw", 0.2])
    write_table(results / "structure.csv", pd.DataFrame(pairs, columns=COLUMNS["structure"]))
    families = {"en": "ine", "fr": "ine", "sw": "nic"}
    languages = {
        name: entry | {"family": families[name]}
        for name, entry in perplexity_data.LANGUAGES.items()
    }
    line = words(
        results, "claims", perplexity_data.grid_of(languages), "--claims", results / "claims.yaml"
    )
    assert call("tabulate_results", *line, "--tables") == (0, [])
    without = read_table(results / "out/claims.csv", COLUMNS["claims"])
    assert without["verdict"].tolist()[1] == "not measured"
    assert call("tabulate_results", *line, "--tables", results / "structure.csv") == (0, [])
    table = read_table(results / "out/claims.csv", COLUMNS["claims"])
    assert table["estimate"].iloc[1] == pytest.approx(0.5 - 0.15)
    pd.testing.assert_series_equal(table.iloc[0], without.iloc[0])


def test_mistakes_are_one_line(results):
    grid = perplexity_data.grid_of()
    out = results / "out/perplexity.csv"
    line = words(results, "perplexity", grid)
    assert_refused(
        out, "tabulate_results", [*line, "--table", "perplexty"], "did you mean 'perplexity'?"
    )
    assert_refused(out, "tabulate_results", [*line, "--table", "pages"], "unknown table 'pages'")
    broken = results / "broken.json"
    broken.write_text("[")
    assert_refused(out, "tabulate_results", [*line, "--grid", broken], "broken.json: is not JSON")
    assert_refused(
        out, "tabulate_results", [*line, "--model", "n"], "dense/0/en.json: no such file"
    )
    other = ["--tables", results / "structure.csv"]
    assert_refused(out, "tabulate_results", [*line, *other], "which perplexity does not read")
    claims = results / "out/claims.csv"
    assert_refused(
        claims, "tabulate_results", words(results, "claims", grid), "--claims: is missing"
    )
