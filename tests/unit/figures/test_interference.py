"""The figure of interference: a row a language, and what its caption counts."""

import pandas as pd
import pytest

from multiprune.figures import interference
from unit.columns import COLUMNS
from unit.figures.languages_data import grid_of


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        ["m", "own", sparsity, language, 1, factor, factor - 0.05, factor + 0.05]
        for sparsity, more in ((0.3, 0.0), (0.5, 0.1))
        for language, factor in (("de", 1.02 + more), ("en", 0.9 + more), ("fr", 1.1 + more))
    ]
    return pd.DataFrame(rows, columns=COLUMNS["interference"])


def test_languages_stand_by_their_factor_with_a_mark_a_sparsity(table):
    [axes] = interference.draw({"interference": table}, grid_of()).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert [label.split()[0] for label in labels] == ["French", "German", "English"]
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert len(marks) == len(table)


def test_the_caption_counts_what_is_wholly_on_one_side(table):
    text = " ".join(interference.caption({"interference": table}, grid_of(), "m").split())
    assert (
        "At sparsity 0.3 the factor is 1.003 on average, wholly above 1 in 1 and wholly below it "
        in text
    )
    assert "in 1 of 3 languages." in text
    assert "At sparsity 0.5 the factor is 1.104 on average, wholly above 1 in 2 and" in text


def test_the_method_of_most_languages_is_shown_and_nothing_without_one(table):
    more = pd.concat([table, table.head(1).assign(method="few")], ignore_index=True)
    assert set(interference.select(more)["method"]) == {"own"}
    assert interference.draw({"interference": table.head(0)}, grid_of()).axes == []
