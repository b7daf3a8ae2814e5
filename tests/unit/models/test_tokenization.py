import string

import numpy as np
import pytest
from tiny import byte_tokenizer, start_token_tokenizer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from multiprune.errors import InputError
from multiprune.models.tokenization import (
    encode,
    first_tokens,
    start_tokens,
    unknown_tokens,
    warn_of_unknown,
)

START, END = 0, 1  # of the byte tokenizer, whose other tokens are one a byte


def processed(single: str) -> PreTrainedTokenizerFast:
    """The byte tokenizer with tokens around every text, such as `<s> $A </s>`."""
    tokenizer = byte_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[("<s>", START), ("</s>", END)]
    )
    return tokenizer


def unigram_tokenizer() -> PreTrainedTokenizerFast:
    """Like XGLM's: control tokens are pieces of the vocabulary, no bytes, line breaks are dropped.

    Ids: 0 <s>, 1 <pad>, 2 </s>, 3 <unk>, then a-z behind a blank, then single characters.
    """
    pieces = [(name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")]
    pieces += [(f"▁{letter}", -3.0) for letter in string.ascii_lowercase]
    pieces += [(letter, -4.0) for letter in f"{string.ascii_lowercase}{string.digits}<>/▁"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace("\n", " "), normalizers.Strip(left=False)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def test_control_tokens_spelled_in_a_text_are_text():
    for tokenizer in (byte_tokenizer(), start_token_tokenizer(), processed("<s> $A </s>")):
        (found,) = encode(["<s>20</s>"], tokenizer)
        assert START not in found
        assert END not in found
        assert len(found) == len("<s>20</s>")  # a token a byte
        assert tokenizer.decode(found) == "<s>20</s>"


def test_control_tokens_that_are_words_of_the_vocabulary_are_text_too():
    tokenizer = unigram_tokenizer()
    plain, spelled = encode(["a b", "a <s>20</s> b"], tokenizer)
    assert tokenizer.convert_ids_to_tokens(plain) == ["▁a", "▁b"]
    expected = ["▁a", "▁", "<", "s", ">", "2", "0", "<", "/", "s", ">", "▁b"]
    assert tokenizer.convert_ids_to_tokens(spelled) == expected
    # The next text is read as before.
    assert encode(["a b"], tokenizer) == [plain]


@pytest.mark.parametrize(
    ("single", "expected"),
    [("$A", []), ("<s> $A", [START]), ("</s> $A", [END]), ("$A </s>", []),
     ("<s> $A </s>", [START]), ("<s> </s> $A", [START, END])],
)  # fmt: skip
def test_the_tokens_that_a_tokenizer_begins_texts_with(single, expected):
    assert start_tokens(processed(single)) == expected


def test_a_text_that_nothing_precedes():
    assert first_tokens(processed("</s> $A")) == [END]  # as XGLM
    assert first_tokens(byte_tokenizer()) == [START]
    without_start = byte_tokenizer()
    without_start.bos_token = None
    assert first_tokens(without_start) == [END]
    without_start.eos_token = None
    with pytest.raises(InputError, match="neither a start nor an end token"):
        first_tokens(without_start)


def test_unknown_tokens_are_counted(capsys):
    tokenizer = unigram_tokenizer()
    (ids,) = encode(["a ბ b აბ"], tokenizer)  # Georgian, which the vocabulary does not have
    assert tokenizer.convert_ids_to_tokens(ids).count("<unk>") == 2
    assert unknown_tokens(np.array(ids), tokenizer) == 2
    assert unknown_tokens(np.array([0, 1, 2]), byte_tokenizer()) == 0
    warn_of_unknown("ka", 1, 100)
    assert capsys.readouterr().out == ""
    warn_of_unknown("ka", 2, 100)
    assert capsys.readouterr().out == (
        "warning: ka: 2.0% of 100 tokens are unknown to the tokenizer, so its numbers say little "
        "about the language\n"
    )
