import re
from pathlib import Path

from multiprune.experiment.key_page import render
from multiprune.experiment.schema import load_schema

README = Path(__file__).parents[3] / "config" / "README.md"


def rows(page: str) -> list[list[str]]:
    """Cells of the table rows, without headings."""
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]


def test_the_page_is_not_stale():
    assert README.read_text(encoding="utf-8") == render(), "run `make docs`"


def test_rows_state_value_bounds_default_and_meaning():
    page = render()
    assert (
        "| `calibration.samples` | integer >= 1 <= 100,000 | `8` "
        "| Number of windows per language and seed. |\n"
    ) in page
    assert "| `experiment` | text | required |" in page
    assert "| `sparsities` | list of number > 0 < 1 | `[0.5]` |" in page
    assert '| `evaluation.perplexity.split` | `test`, `validation` | `"test"` |' in page
    assert "| `languages.NAME.role` | `calibration`, `unseen` | required |" in page


def test_every_alternative_has_a_section():
    page = render()
    for choice in ("model", "corpus", "method", "norm", "allocation"):
        for option in load_schema()["$defs"][choice]["oneOf"]:
            assert option["description"] in page
    assert "### `kind: cwl`" in page
    assert "### `score: ria`" in page


def test_bars_in_text_do_not_break_the_table():
    assert {len(cells) for cells in rows(render())} == {4}
