"""Which units count, and how documents are dealt."""

from hypothesis import given
from hypothesis import strategies as st

from multiprune.fetch.parallel_units import deal_documents, normalised, reference_of
from multiprune.fetch.splits import SHARES, SPLITS

SIZES = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 50), min_size=3)


@given(SIZES)
def test_every_document_is_in_one_split_and_no_split_is_empty(sizes):
    splits = deal_documents(sizes)
    assert splits.keys() == sizes.keys()
    assert set(splits.values()) == set(SPLITS)


@given(SIZES)
def test_the_order_of_documents_does_not_count(sizes):
    other = dict(reversed(sizes.items()))
    assert deal_documents(sizes) == deal_documents(other)


@given(st.integers(20, 200))
def test_shares_are_met_where_documents_are_small(number):
    splits = deal_documents({f"{n:03d}": 10 for n in range(number)})
    for split, share in SHARES.items():
        found = sum(own == split for own in splits.values())
        assert abs(found - number * share / sum(SHARES.values())) <= 2


def test_sizes_of_documents_are_those_of_the_units_that_count():
    """By hand: 200, 80 and 40 characters; the large one is calibration text."""
    long = [("a", str(n), f"{n}" + "x" * 39) for n in range(1, 6)]
    units = [*long, ("b", "1", "y" * 80), ("c", "1", "z" * 40), ("c", "2", "short")]
    units += [("c", "3", "y" * 80)]  # a repeat counts once
    reference = reference_of(normalised(units), "x")
    assert reference.units == [("a", str(n)) for n in range(1, 6)] + [("b", "1"), ("c", "1")]
    assert reference.sizes == {"a": 5, "b": 1, "c": 3}
    assert reference.splits == {"a": "calibration", "b": "test", "c": "validation"}
    assert "short" in reference.seen
