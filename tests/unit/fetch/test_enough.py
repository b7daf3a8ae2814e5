"""Text that is too short whatever the tokenizer, and none that any tokenizer finds enough in."""

import pytest
from hypothesis import given, strategies
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from multiprune.errors import InputError
from multiprune.fetch.enough import enough, most_tokens, shortages


def rows(split, *texts):
    return [({"id": str(number), "text": text}, split) for number, text in enumerate(texts)]


def test_counted_by_hand():
    dealt = [*rows("calibration", "abcd", "ef"), *rows("test", "é")]
    # 4 + 2 and 2 + 2 tokens at most; "é" taken apart is an "e" and two bytes of its accent.
    assert most_tokens([row for row, _split in dealt]) == 6 + 4 + 5
    assert shortages(dealt, {"calibration": [2, 7], "test": [1, 7]}) == []
    calibration, test = shortages(dealt, {"calibration": [2, 8], "test": [1, 8]})
    assert "calibration text has 2 rows, at most 10 tokens; 2 windows of 8 tokens need 12" in (
        calibration
    )
    assert test.endswith("or lower evaluation.perplexity.length")
    with pytest.raises(InputError, match=r"its calibration text .*; its test text "):
        enough(dealt, {"calibration": [2, 8], "test": [1, 8]})


def test_a_split_without_rows_is_too_short_and_one_without_windows_is_not():
    assert len(shortages([], {"validation": [1, 16]})) == 1
    assert enough([], {}) == "calibration 0, validation 0, test 0 paragraphs"


def byte_by_byte(form):
    """A tokenizer that knows single bytes only, and puts a blank before a text."""
    vocabulary = {letter: place for place, letter in enumerate(pre_tokenizers.ByteLevel.alphabet())}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.normalizer = form()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return tokenizer


TOKENIZERS = [byte_by_byte(getattr(normalizers, form)) for form in ("NFC", "NFD", "NFKC", "NFKD")]


@given(strategies.lists(strategies.text(max_size=20), max_size=4))
def test_no_tokenizer_of_bytes_cuts_text_into_more(texts):
    most = most_tokens([{"id": "", "text": text} for text in texts])
    for tokenizer in TOKENIZERS:
        assert sum(len(tokenizer.encode(text + "\n").ids) for text in texts) <= most
