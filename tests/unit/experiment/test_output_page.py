"""The page of outputs: not stale, and every column of every table is explained."""

from pathlib import Path

import pytest

from multiprune.experiment.output_page import explained, render
from multiprune.registry import constants, names

PAGE = Path(__file__).parents[3] / "docs/output.md"


def test_the_page_is_not_stale():
    assert PAGE.read_text(encoding="utf-8") == render(), "run make docs"


@pytest.mark.parametrize("table", names("tables", having="COLUMNS"))
def test_every_column_is_explained_and_nothing_else(table: str):
    columns = constants("tables", table)["COLUMNS"]
    in_bold = explained(constants("tables", table)["CAPTION"])
    assert set(columns) - in_bold <= {"model"}
    assert in_bold <= set(columns)


def test_columns_of_a_caption_by_hand():
    assert explained("- **low, high**: ends. **mean**: *not* **This word**.") == {
        "low", "high", "mean",
    }  # fmt: skip
