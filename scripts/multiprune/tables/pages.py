"""A table as a page of the report: it shows rows, and hands out the CSV that it was made from."""

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from multiprune.uncertainty.printing import MOST_DIGITS

ROWS = 1000  # with more, a page takes seconds to open
DIGITS = 3
LONG = 40  # characters of a cell that is read as a sentence
PLAIN = 1e6  # numbers below are written without an exponent
METHODS = ("method", "curve")  # columns that hold names of methods
DECIMAL = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+")
STYLE = """
html, body { height: 100%; margin: 0; }
body { font: 13px/1.4 system-ui, sans-serif; color: #1e293b; display: flex;
  flex-direction: column; box-sizing: border-box; padding: 0.75rem; }
p, h1 { margin: 0 0 0.5rem; max-width: 60rem; overflow-wrap: anywhere; }
h1 { font-size: 1.2em; }
.box { overflow: auto; min-height: 8rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: #f1f5f9; text-align: left; vertical-align: bottom; }
th, td { padding: 0.15rem 0.4rem; border-bottom: 1px solid #e2e8f0; }
td { vertical-align: top; max-width: 20rem; }
td.text { min-width: 9rem; }
"""


def page(
    table: pd.DataFrame,
    csv: Path,
    without: Sequence[str] = (),
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> str:
    """HTML of a table whose cells are text or missing, without any other file or script.

    Decimals are rounded, but not to 1 or to the row's threshold where they differ from it, since
    verdicts compare with these. Methods are called by their `labels`, and a column that is the same
    in all rows is said once; the link holds `csv` as it is on disk. `without` names the models
    whose rows are missing.
    """
    labels = labels or {}
    called = {
        name: [labels.get(cell, cell) for cell in table[name]] for name in METHODS if name in table
    }
    shown = table.assign(**called).head(ROWS).apply(_shortened, axis="columns")
    same = constant_columns(table)
    said = [_said(name, shown[name].iloc[0]) for name in same]
    shown = shown.drop(columns=same)
    cut = f"the first {ROWS} of {len(table)} rows" if len(table) > ROWS else f"{len(table)} rows"
    with pd.option_context("display.max_colwidth", None):
        body = shown.to_html(index=False, border=0, justify="left", na_rep="")
    body = re.sub(r"(?<=<th>)[^<]*", lambda name: name[0].replace("_", "_<wbr>"), body)
    body = re.sub(rf"<td>(?=[^<]{{{LONG},}})", '<td class="text">', body)
    content = base64.b64encode(csv.read_bytes()).decode()
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><meta charset="utf-8"><title>{escape(title or csv.stem)}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{STYLE}</style>",
            f"<h1>{escape(title or csv.stem)}</h1>",
            f"<p>{cut}, decimals rounded to {DIGITS} digits, or to as many as tell them from 1. "
            f'<a download="{escape(csv.name)}" href="data:text/csv;base64,{content}">'
            "All rows, columns and digits (CSV)</a></p>",
            *(f"<p><strong>{escape(model)} is missing.</strong></p>" for model in without),
            *([f"<p>The same in all rows: {'; '.join(said)}.</p>"] if said else []),
            f'<div class="box" tabindex="0">{body}</div>',
            "</html>\n",
        ]
    )


def constant_columns(table: pd.DataFrame) -> list[str]:
    """Columns that are the same in all rows of a table with several."""
    if len(table) < 2:
        return []
    return [name for name in table if table[name].nunique(dropna=False) == 1]


def _said(name: str, cell: str | float) -> str:
    value = "" if pd.isna(cell) else cell
    return f"{escape(name)} = {escape(value)}" if value else f"{escape(name)} is empty"


def _shortened(row: pd.Series) -> pd.Series:
    """A row of the table as it is shown."""
    threshold = row.get("threshold")
    values = [1.0, *([float(threshold)] if isinstance(threshold, str) and threshold else [])]
    return row.map(lambda cell: _short(cell, values), na_action="ignore")


def _short(cell: str, values: Sequence[float]) -> str:
    if not DECIMAL.fullmatch(cell):
        return cell
    digits = next(
        (n for n in range(DIGITS, MOST_DIGITS) if _rounded(cell, n) not in values),
        DIGITS,
    )
    rounded = _rounded(cell, digits)
    if 10**DIGITS <= abs(rounded) < PLAIN:
        return f"{rounded:.0f}"
    # 1.00 is rounded, 1 is exact.
    exact = rounded == float(cell)
    return f"{rounded:.{digits}g}" if exact else f"{rounded:#.{digits}g}".rstrip(".")


def _rounded(cell: str, digits: int) -> float:
    return float(f"{float(cell):.{digits}g}")
