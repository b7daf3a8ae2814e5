"""The claims as Markdown, LaTeX and reStructuredText: content, escapes, structure."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from docutils.core import publish_parts

from multiprune.claims import documents as claim_documents
from multiprune.claims.documents import HEADERS, markdown, number, restructured
from multiprune.files.tables import read_table, write_table
from unit.columns import COLUMNS

SCRIPT = Path(__file__).parents[3] / "scripts" / "write_claims.py"
ROW = {
    "model": "tiny_model", "claim": "helps", "paper": "m-wanda", "statement": "It helps.",
    "measurement": "perplexity ratio: m-wanda / wanda", "scope": "all languages, sparsity 0.5",
    "estimate": 0.95, "ci_low": 0.9, "ci_high": 0.99, "threshold": 1.0, "direction": "below",
    "languages": 4, "languages_hold": 3, "verdict": "supported", "reason": None,
    "paper_value": "unverified", "paper_source": "not read", "second_hand": False,
}  # fmt: skip
NOT_MEASURED = ROW | {
    "estimate": None, "ci_low": None, "ci_high": None, "languages": None, "languages_hold": None,
    "verdict": "not measured", "reason": "method x is not in the config", "second_hand": True,
}  # fmt: skip
SPECIAL = r"50% of a_b & c#d $e$ {f} g~h i^j k\l <m> |n| [o] *p* `q`"


def table_of(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS["claims"])


def latex_rows(text):
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    return [line.removesuffix(r" \\") for line in body.split("\n")[1:] if line]


def test_a_line_says_estimate_interval_languages_verdict_and_the_papers_number():
    cells = markdown(table_of(ROW)).split("\n")[-2].strip("| ").split(" | ")
    assert cells[0].startswith("It helps.<br>perplexity ratio: m-wanda / wanda; all languages")
    assert cells[0].endswith("holds if &lt; 1")
    assert cells[1:] == ["0.950 [0.900, 0.990]", "3 of 4", "**supported**", "unverified: not read"]


def test_not_measured_has_dashes_and_a_reason():
    text = markdown(table_of(ROW, NOT_MEASURED))
    cells = text.split("\n")[-2].strip("| ").split(" | ")
    assert cells[1:4] == ["-", "-", "**not measured**<br>method x is not in the config"]
    assert cells[0].startswith("It helps. (second-hand)")
    assert "Of 2 claims: 1 supported, 1 not measured." in text


def test_differences_have_a_sign_and_ratios_have_not():
    assert (number(0.0123, ratio=False), number(-0.5, ratio=False)) == ("+0.012", "-0.500")
    assert number(1.0567, ratio=True) == "1.057"
    shown = ROW | {"measurement": "accuracy difference: a - b", "threshold": 0.0}
    assert "+0.950 [+0.900, +0.990]" in markdown(table_of(shown))


def test_a_remark_on_all_claims_is_said_once():
    rows = [ROW | {"reason": "one seed: only test items vary"}] * 3
    rows.append(ROW | {"reason": "2 of 4 languages hold; one seed: only test items vary"})
    text = restructured(table_of(*rows))
    assert text.count("one seed") == 1
    assert "2 of 4 languages hold\n" in text


def test_each_model_has_its_table():
    text = markdown(table_of(ROW, ROW | {"model": "other"}))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [r"tiny\_model", "other"]
    assert restructured(table_of(ROW, ROW | {"model": "other"})).count("list-table") == 2


@pytest.mark.parametrize("statement", ["It helps.", SPECIAL])
def test_restructured_text_is_read_by_docutils_without_a_warning(statement):
    rows = (ROW | {"statement": statement}, NOT_MEASURED | {"statement": statement})
    settings = {"report_level": 1, "halt_level": 2, "output_encoding": "unicode"}
    html = publish_parts(restructured(table_of(*rows)), writer="html", settings_overrides=settings)
    assert html["body"].count("<tr>") == 3
    expected = statement.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert expected in html["body"]


@pytest.mark.parametrize("statement", ["It helps.", SPECIAL, "[first] of a row"])
def test_latex_has_balanced_braces_and_no_bare_special_character(statement):
    text = claim_documents.latex(table_of(ROW | {"statement": statement}, NOT_MEASURED))
    rows = latex_rows(text)
    assert len(rows) == 2
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == len(HEADERS) - 1
        assert not re.search(r"(?<!\\)[%$#_~^]", row)
        assert not row.startswith("[")
    bare = re.sub(r"\\[{}]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    opened = re.findall(r"\\(begin|end)\{([a-z*]+)\}", text)
    assert opened == [
        ("begin", "table*"), ("begin", "tabular"), ("end", "tabular"), ("end", "table*"),
    ]  # fmt: skip


def test_latex_undone_is_the_statement():
    row = latex_rows(claim_documents.latex(table_of(ROW | {"statement": SPECIAL})))[0]
    shown = row.split(r"\newline")[0]
    for command, character in (
        (r"\textbackslash{}", "\0"), (r"\textasciitilde{}", "~"), (r"\textasciicircum{}", "^"),
        (r"\textless{}", "<"), (r"\textgreater{}", ">"), (r"\textbar{}", "|"), ("{[}", "["),
        ("{]}", "]"),
    ):  # fmt: skip
        shown = shown.replace(command, character)
    assert re.sub(r"\\(.)", r"\1", shown).replace("\0", "\\") == SPECIAL


def test_markdown_cells_cannot_be_split_by_a_statement():
    line = markdown(table_of(ROW | {"statement": SPECIAL})).split("\n")[-2]
    assert len(re.findall(r"(?<!\\)\|", line)) == len(HEADERS) + 1


def test_the_script_reads_what_the_table_writer_wrote(tmp_path):
    write_table(tmp_path / "claims.csv", table_of(ROW, NOT_MEASURED))
    outputs = [tmp_path / f"claims.{ending}" for ending in ("md", "tex", "rst")]
    command = [sys.executable, SCRIPT, "--table", tmp_path / "claims.csv"]
    for option, path in zip(("markdown", "latex", "restructured"), outputs, strict=True):
        command += [f"--{option}", path]
    subprocess.run(command, check=True, capture_output=True)
    table = read_table(tmp_path / "claims.csv", COLUMNS["claims"])
    written = [path.read_text() for path in outputs]
    assert written == [markdown(table), claim_documents.latex(table), restructured(table)]
