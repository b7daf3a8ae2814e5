"""Which of several texts of one language is preferred."""

from dataclasses import replace

import pytest

from multiprune.languages.rules import preferred_texts
from unit.languages.data import EMPTY, KEK, text


class TestPreference:
    CLDR = replace(EMPTY, likely={"kek": "kek-Latn-GT"})

    def preferred(self, *texts):
        return preferred_texts([replace(found, language="kek") for found in texts], self.CLDR)

    def test_the_likely_script_before_all_else(self):
        latin = text("kek_1", letters={"Latn": 9}, stage=1, paragraphs=9)
        assert self.preferred(text("kek", letters={"Cyrl": 9}), latin) == {"kek_1"}

    def test_the_stage_before_the_paragraphs(self):
        assert self.preferred(text("kek", stage=3), text("kek_1", paragraphs=9)) == {"kek_1"}

    @pytest.mark.parametrize(("paragraphs", "expected"), [(54, "kek"), (53, "kek_1")])
    def test_nearly_complete_before_the_code(self, paragraphs, expected):
        short = text("kek", paragraphs=paragraphs)  # of 60
        assert self.preferred(short, text("kek_1")) == {expected}

    @pytest.mark.parametrize(
        ("expected", "other", "changed"),
        [
            ("kek", "abc", {}),
            ("lav", "041", {"paragraphs": 61}),
            ("abc_hans", "abc_hans_beijing", {"paragraphs": 61}),
            ("abc_1996", "abc_1901", {"paragraphs": 61}),
            ("abc_3", "abc_1", {"bcp47": "a-longer-tag"}),
            ("abc_monotonic", "abc_polytonic", {}),
            ("abc_monotonic", "abc_autonomous", {"paragraphs": 59}),
        ],
    )
    def test_of_texts_that_are_alike(self, expected, other, changed):
        texts = [text(expected, bcp47="kek"), text(other, **{"bcp47": "kek"} | changed)]
        assert self.preferred(*texts) == self.preferred(*texts[::-1]) == {expected}

    def test_a_text_of_no_known_language_stands_for_none(self):
        unknown = replace(text("013"), language="und")
        assert preferred_texts([unknown, KEK], self.CLDR) == {"kek"}
