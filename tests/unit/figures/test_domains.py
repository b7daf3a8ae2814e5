"""The figure of domains: a panel a corpus of test text, and what its caption says of the order."""

import pandas as pd
import pytest

from multiprune.figures import domains
from unit.figures.languages_data import domains_of, grid_of


@pytest.fixture
def table() -> pd.DataFrame:
    return domains_of(grid_of())


def test_a_panel_a_corpus_with_a_mark_a_method(table):
    figure = domains.draw({"domains": table}, grid_of())
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "judged on news", "judged on songs",
    ]  # fmt: skip
    for axes in figure.axes:
        marks = [line for line in axes.lines if line.get_linestyle() == "None"]
        assert len(marks) == 2
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["ria", "wanda"]


def test_the_caption_says_whether_the_order_holds(table):
    text = " ".join(domains.caption({"domains": table}, grid_of(), "m").split())
    assert "there are 2 different orders" in text
    assert "1.500 (wanda, calibrated on news, judged on songs)" in text
    alike = table.assign(rank=[1, 2, 1, 2])
    text = " ".join(domains.caption({"domains": alike}, grid_of(), "m").split())
    assert "In all 2 pairs of corpora the order is ria, wanda, the least loss first." in text


def test_only_the_sparsity_that_most_rows_have_is_shown(table):
    more = pd.concat([table, table.head(1).assign(sparsity=0.3)], ignore_index=True)
    assert set(domains.select(more)["sparsity"]) == {0.5}
    assert domains.draw({"domains": table.head(0)}, grid_of()).axes == []
    assert domains.select(table.assign(calibrated_on="none")).empty
