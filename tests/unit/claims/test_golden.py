"""The claims of the papers on fixed records: the whole document, and what a language changes."""

from pathlib import Path

import pandas as pd
import pytest

from multiprune.claims.documents import markdown
from unit.claims import fixed_records
from unit.claims.fixed_records import ROLES, grid_of, table_of

GOLDEN = Path(__file__).parent / "golden_claims.md"
SOFT = {"points for", "points against", "undecided", "mixed", "not measured"}
HARD = {"supported", "not supported", "inconclusive", "mixed", "not measured"}
# In a further language pruning with pairs is far worse.
FURTHER = {"hr": "unseen"}
WORSE = {("kim-translation", "hr"): 0.12}


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """One draw, one draw and a further language, three draws."""
    found = {}
    for name, languages, seeds in (
        ("one", ROLES, (0,)),
        ("further", ROLES | FURTHER, (0,)),
        ("three", ROLES, (0, 1, 2)),
    ):
        results, grid = tmp_path_factory.mktemp(name), grid_of(languages, seeds)
        fixed_records.write(results, grid, WORSE)
        found[name] = table_of(results, grid)
    return found


def test_the_document_is_the_golden_one(tables, tmp_path):
    written = tmp_path / GOLDEN.name
    written.write_text(markdown(tables["one"]), encoding="utf-8")
    assert written.read_text() == GOLDEN.read_text(encoding="utf-8"), (
        f"read {written}, and copy it to {GOLDEN} if it is better"
    )


def by_rule(row) -> str:
    """The soft word that an interval allows, for claims without `each` and several sparsities."""
    sides = (row["ci_low"] > row["threshold"], row["ci_high"] < row["threshold"])
    beyond, against = sides if row["direction"] == "above" else sides[::-1]
    return "points for" if beyond else "points against" if against else "undecided"


EACH = {"m-wanda-improves", "several-sparsities"}


@pytest.mark.parametrize("name", ["one", "further"])
def test_with_one_draw_words_are_soft_and_follow_from_the_interval(tables, name):
    table = tables[name]
    assert set(table["verdict"]) <= SOFT
    plain = table[table["ci_low"].notna() & ~table["claim"].isin(EACH)]
    assert len(plain) >= 5
    assert plain["verdict"].tolist() == [by_rule(row) for _name, row in plain.iterrows()]


def test_a_further_language_changes_no_word_but_where_the_interval_leaves_the_threshold(tables):
    before, after = tables["one"], tables["further"]
    changed = before.index[before["verdict"] != after["verdict"]]
    assert list(changed) == ["bilingual-perplexity"]
    row = "bilingual-perplexity"
    assert before["ci_low"][row] < 1 < before["ci_high"][row]
    assert after["ci_low"][row] > 1
    assert (before["verdict"][row], after["verdict"][row]) == ("undecided", "points against")
    # The task does not exist in the language, costs know none: not a digit changes there.
    same = ["bilingual-accuracy", "bilingual-consistency", "m-wanda-time", "m-wanda-memory"]
    pd.testing.assert_frame_equal(before.loc[same], after.loc[same])


def test_three_draws_give_the_hard_words(tables):
    table = tables["three"]
    assert set(table["verdict"]) <= HARD
    assert table["verdict"]["sparsity-harms"] == "supported"
    assert set(table["draws"].dropna()) == {3}
