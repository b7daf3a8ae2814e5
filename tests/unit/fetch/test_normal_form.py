"""Equal text has equal characters, whatever the source that it comes from."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiprune.fetch.normal_form import HIDDEN, normal_text, seen_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301", "café"),
        ("\ufeffone\ufeff", "one"),
        ("one\r\ntwo\rthree\n\r\nfour", "one\ntwo\nthree\n\nfour"),
        ("Men\u00adschen\u00adrechte", "Menschenrechte"),
        ("ไทย\u200bไทย", "ไทยไทย"),
        ("\u200f\u2067\u05d0\u05d1\u2069\u200e", "\u05d0\u05d1"),
        ("a\0b\x1b\x7f", "ab"),
        ("e\u200b\u0301", "é"),  # what is hidden may keep a letter and its accent apart
        # What stays.
        ("می\u200cشود क\u094d\u200dष 👩\u200d🚀", "می\u200cشود क\u094d\u200dष 👩\u200d🚀"),
        ("\u1820\u180e", "\u1820\u180e"),
        ("\u0600\u0661\u06dd", "\u0600\u0661\u06dd"),
        (
            "  if x:\n\t\treturn\u00a0y\u3000\x0c\u2028\n",
            "  if x:\n\t\treturn\u00a0y\u3000\x0c\u2028\n",
        ),
        ("mu\x92n", "mu\x92n"),
    ],
)
def test_by_hand(text, expected):
    assert normal_text(text) == expected
    assert normal_text(expected) == expected


def test_of_all_format_characters_those_stay_that_are_drawn_or_shape_letters():
    formats = {chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) == "Cf"}
    drawn = {*map(chr, range(0x600, 0x606)), *"\u06dd\u070f\u08e2\u0890\u0891\U000110bd\U000110cd"}
    shaping = {*"\u180e\u200c\u200d", *map(chr, range(0x13430, 0x13440))}
    assert {character for character in formats if not HIDDEN.match(character)} == formats & (
        drawn | shaping
    )


@given(st.text())
def test_twice_is_once(text):
    assert normal_text(normal_text(text)) == normal_text(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("free and\u00a0equal\n", "freeandequal"),
        ("می\u200cشود", "میشود"),
        (" \t\u3000\u2028\u200c\u200d\u180e\x85\n", ""),
        ("", ""),
    ],
)
def test_what_is_seen(text, seen):
    assert seen_text(text) == seen
