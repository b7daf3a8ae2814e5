"""The claims as Markdown, LaTeX and reStructuredText: content, escapes, structure."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from docutils.core import publish_parts

from multiprune.claims import documents as claim_documents
from multiprune.claims.documents import HEADERS, markdown, restructured
from multiprune.files.tables import read_table, write_table
from unit.columns import COLUMNS

SCRIPT = Path(__file__).parents[3] / "scripts" / "write_claims.py"
ROW = {
    "model": "tiny_model", "claim": "helps", "paper": "m-wanda", "statement": "It helps.",
    "measurement": "perplexity ratio: m-wanda / wanda", "scope": "all languages, sparsity 0.5",
    "estimate": 0.95, "ci_low": 0.9, "ci_high": 0.99, "threshold": 1.0, "direction": "below",
    "languages": 4, "languages_hold": 3, "verdict": "supported", "reason": None,
    "paper_value": "unverified", "paper_source": "not read", "second_hand": False,
    "question": "M-Wanda", "constants": "published", "draws": 3, "languages_against": 1,
    "smallest_effect": None, "budgets": None, "basis": "6 to 9 test windows a language",
}  # fmt: skip
NOT_MEASURED = ROW | {
    "estimate": None, "ci_low": None, "ci_high": None, "languages": None, "languages_hold": None,
    "verdict": "not measured", "reason": "method x is not in the config", "claim": "other",
    "languages_against": None, "draws": None, "basis": None,
}  # fmt: skip
SPECIAL = r"50% of a_b & c#d $e$ {f} g~h i^j k\l <m> |n| [o] *p* `q`"


def table_of(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS["claims"])


def latex_rows(text):
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    return [line.removesuffix(r" \\") for line in body.split("\n")[1:] if line]


def cells_of(text) -> list[str]:
    return text.split("\n")[-2].strip("| ").split(" | ")


def test_a_line_says_what_is_compared_estimate_languages_and_verdict():
    cells = cells_of(markdown(table_of(ROW)))
    assert cells[0].startswith("It helps.<br>perplexity ratio: m-wanda / wanda; all languages")
    assert cells[0].endswith("holds if &lt; 1; 6 to 9 test windows a language")
    assert cells[1:] == ["0.950 [0.900, 0.990]", "3 for, 1 against, 0 open", "**supported**"]


def test_a_verdict_on_our_constants_says_so_in_every_form():
    ours = table_of(ROW | {"constants": "ours", "reason": "the activation-probability term is off"})
    words = "supported here (this project's constants)"
    for text in (markdown(ours), claim_documents.latex(ours), restructured(ours)):
        assert words in text.replace(r"\(", "(").replace(r"\)", ")")
        assert "the activation-probability term is off" in text.replace("\\-", "-")
        assert "M-Wanda (our constants): supported." in text.replace("\\(", "(").replace("\\)", ")")
    assert "constants" not in cells_of(markdown(table_of(ROW)))[-1]


def test_budgets_that_differ_stand_in_the_row():
    budgets = "wanda: 6 languages, 6,144 tokens; kim: 4 languages, at most 4,095 tokens"
    assert budgets in markdown(table_of(ROW | {"budgets": budgets}))


def test_an_open_verdict_says_what_could_have_been_shown():
    factor = ROW | {"verdict": "undecided", "smallest_effect": 1.0224, "draws": 1}
    assert "this run could show: a factor of 1.022 |" in markdown(table_of(factor))
    difference = factor | {"measurement": "accuracy difference: a - b", "smallest_effect": 0.057}
    assert "this run could show: a difference of 0.057 |" in markdown(table_of(difference))


def test_what_is_not_measured_is_one_line_and_no_row():
    broken = NOT_MEASURED | {"claim": "time", "reason": "no benchmark prune_model/m/0.5.jsonl"}
    text = markdown(table_of(ROW, NOT_MEASURED, NOT_MEASURED | {"claim": "third"}, broken))
    plain = text.replace("\\_", "_")
    assert text.count("| It helps") == 1
    assert (
        "2 claims need methods, tasks or languages that this config does not have: other (method "
        "x is not in the config); third (method x is not in the config).\n"
    ) in plain.replace("\\(", "(").replace("\\)", ")")
    assert "1 claim could not be measured: time" in plain
    assert "| ---" not in markdown(table_of(NOT_MEASURED))
    assert "list-table" not in restructured(table_of(NOT_MEASURED))


def test_numbers_that_could_not_be_read_are_one_sentence_and_others_stand_in_the_row():
    unknown = markdown(table_of(ROW))
    assert unknown.count("could not be read for any of them") == 1
    assert "unverified" not in unknown
    known = markdown(table_of(ROW, ROW | {"claim": "b", "paper_value": "0.93"}))
    assert "could not be read for 1 of 2 of them" in known
    assert "0.950 [0.900, 0.990] (the paper: 0.93)" in known
    assert "could not be read" not in markdown(table_of(ROW | {"paper": "none"}))


def test_differences_have_a_sign_and_an_interval_that_excludes_1_is_printed_excluding_it():
    shown = ROW | {"measurement": "accuracy difference: a - b", "threshold": 0.0}
    assert "+0.950 [+0.900, +0.990]" in markdown(table_of(shown))
    near = ROW | {"estimate": 0.98, "ci_high": 0.99998}
    assert "0.98000 [0.90000, 0.99998]" in markdown(table_of(near))
    point = ROW | {"estimate": 1.0, "ci_low": math.nan, "ci_high": math.nan}
    assert cells_of(markdown(table_of(point)))[1] == "1.000"


def test_each_model_has_its_table():
    text = markdown(table_of(ROW, ROW | {"model": "other"}))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [r"tiny\_model", "other"]
    assert restructured(table_of(ROW, ROW | {"model": "other"})).count("list-table") == 2


@pytest.mark.parametrize("statement", ["It helps.", SPECIAL])
def test_restructured_text_is_read_by_docutils_without_a_warning(statement):
    rows = (ROW | {"statement": statement}, NOT_MEASURED | {"statement": statement})
    settings = {"report_level": 1, "halt_level": 2, "output_encoding": "unicode"}
    html = publish_parts(restructured(table_of(*rows)), writer="html", settings_overrides=settings)
    assert html["body"].count("<tr>") == 2  # the head, and the claim that was measured
    expected = statement.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert expected in html["body"]


@pytest.mark.parametrize("statement", ["It helps.", SPECIAL, "[first] of a row"])
def test_latex_has_balanced_braces_and_no_bare_special_character(statement):
    text = claim_documents.latex(table_of(ROW | {"statement": statement}, NOT_MEASURED))
    rows = latex_rows(text)
    assert len(rows) == 1
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
