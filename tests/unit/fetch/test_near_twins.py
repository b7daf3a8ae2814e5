"""Runs of eight words that test text shares with calibration text, counted by hand."""

import pytest

from multiprune.fetch.near_twins import share_of_near_twins

EIGHT = "one two three four five six seven eight"


@pytest.mark.parametrize(
    ("calibration", "test", "share"),
    [
        ([EIGHT], [EIGHT], 1.0),
        ([EIGHT + " nine"], ["zero " + EIGHT], 0.5),  # of two runs the second
        ([EIGHT.upper() + "!"], [EIGHT], 1.0),
        ([EIGHT], ["eight seven six five four three two one"], 0.0),
        ([EIGHT], ["too short"], 0.0),
        (["one two three four", "five six seven eight"], [EIGHT], 0.0),  # not across paragraphs
        (["春眠不觉晓处处闻啼鸟"], ["春眠不觉晓处处闻"], 1.0),  # each character is a word
    ],
)
def test_share(calibration, test, share):
    assert share_of_near_twins(calibration, test) == share
