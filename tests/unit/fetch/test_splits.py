import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiprune.errors import InputError
from multiprune.fetch.splits import (
    SPLITS,
    by_split,
    drop_repeats,
    split_of_position,
    write_splits,
)


def row(number, text=None):
    return {"id": f"p{number}", "text": text or f"text {number}"}


def test_ten_positions_by_hand():
    assert [split_of_position(position) for position in range(12)] == [
        *["calibration"] * 6,
        "validation",
        *["test"] * 3,
        *["calibration"] * 2,
    ]


@pytest.mark.parametrize(
    ("sharing", "turn"),
    [
        (["test"], ["test"]),
        (["validation", "calibration"], [*["calibration"] * 6, "validation"]),
        (["test", "validation"], ["validation", "test", "test", "test"]),
    ],
)
def test_some_splits_share_in_the_same_proportions(sharing, turn):
    dealt = [split_of_position(position, sharing) for position in range(2 * len(turn))]
    assert dealt == turn * 2


def test_first_of_repeated_rows_stays_in_its_split():
    dealt = [(row(1, "a"), "calibration"), (row(2, "b"), "test"), (row(3, "a"), "test")]
    kept, dropped = drop_repeats(dealt)
    assert dropped == 1
    assert by_split(kept) == {
        "calibration": [row(1, "a")],
        "validation": [],
        "test": [row(2, "b")],
    }


@given(st.lists(st.sampled_from("abcdefghij"), max_size=60))
def test_splits_are_disjoint_and_keep_order(texts):
    dealt = [
        (row(position, text), split_of_position(position)) for position, text in enumerate(texts)
    ]
    kept, dropped = drop_repeats(dealt)
    rows = by_split(kept)
    found = [entry["text"] for split in SPLITS for entry in rows[split]]
    assert len(found) == len(set(found)) == len(set(texts)) == len(texts) - dropped
    for split in SPLITS:
        numbers = [int(entry["id"][1:]) for entry in rows[split]]
        assert numbers == sorted(numbers)
        assert all(split_of_position(number) == split for number in numbers)


def test_files_hold_one_row_a_line(tmp_path):
    rows = {split: [row(1, "zwölf"), row(2, "人人")] for split in SPLITS}
    write_splits(tmp_path, rows, "x")
    for split in SPLITS:
        lines = (tmp_path / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == rows[split]
        assert "人人" in lines[1]


def test_empty_split_writes_nothing(tmp_path):
    rows = {"calibration": [row(1), row(2)], "validation": [], "test": [row(3)]}
    message = r"own.txt: no text for validation .*calibration 2, validation 0, test 1"
    with pytest.raises(InputError, match=message):
        write_splits(tmp_path, rows, "own.txt")
    assert list(tmp_path.iterdir()) == []
