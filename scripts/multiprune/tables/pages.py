"""A table as a page of the report: it shows rows, and hands out the CSV that it was made from."""

import base64
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

ROWS = 1000  # with more, a page takes seconds to open
DECIMAL = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+")
STYLE = """
body { font: 13px/1.4 system-ui, sans-serif; color: #1e293b; margin: 1rem; }
table { border-collapse: collapse; width: max-content; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: #f1f5f9; text-align: left; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #e2e8f0; vertical-align: top; }
td { max-width: 24rem; }
"""


def page(table: pd.DataFrame, csv: Path, without: Sequence[str] = ()) -> str:
    """HTML of a table whose cells are text or missing, without any other file or script.

    Decimals are shown with four digits; the link holds `csv` as it is on disk. `without` names the
    models whose rows are missing.
    """
    shown = table.head(ROWS).map(_short, na_action="ignore")
    cut = f"the first {ROWS} of {len(table)} rows" if len(table) > ROWS else f"{len(table)} rows"
    with pd.option_context("display.max_colwidth", None):
        body = shown.to_html(index=False, border=0, justify="left", na_rep="")
    content = base64.b64encode(csv.read_bytes()).decode()
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><meta charset="utf-8"><title>{escape(csv.stem)}</title>',
            f"<style>{STYLE}</style>",
            f"<p><strong>{escape(csv.stem)}</strong>: {cut}, decimals with four digits. "
            f'<a download="{escape(csv.name)}" href="data:text/csv;base64,{content}">'
            "All rows and digits (CSV)</a></p>",
            *(f"<p><strong>{escape(model)} is missing.</strong></p>" for model in without),
            body,
            "</html>\n",
        ]
    )


def _short(cell: str) -> str:
    return f"{float(cell):.4g}" if DECIMAL.fullmatch(cell) else cell
