import numpy as np
import pytest
from tiny import byte_tokenizer
from tokenizers import normalizers

from multiprune.errors import InputError
from multiprune.fetch.texts import read_paragraphs
from multiprune.files.json import write_json_lines
from multiprune.files.manifests import write_manifest
from multiprune.models.tokenization import tokenize, utf8_bytes

PARAGRAPHS = ["ab", "Würde", "c"]  # 3, 7 and 2 bytes with their line breaks


@pytest.fixture
def corpus(tmp_path):
    rows = [{"id": str(n), "text": text} for n, text in enumerate(PARAGRAPHS)]
    write_json_lines(tmp_path / "test.jsonl", rows)
    write_manifest(tmp_path, {"kind": "text"})
    return tmp_path


def test_paragraphs_are_packed_with_line_breaks():
    tokenizer = byte_tokenizer()
    ids, used = tokenize(PARAGRAPHS, tokenizer)
    assert tokenizer.decode(ids) == "ab\nWürde\nc\n"
    assert ids.dtype == np.int32
    assert len(ids) == 12 == utf8_bytes(PARAGRAPHS, byte_tokenizer())
    assert used == PARAGRAPHS


def test_no_special_tokens():
    tokenizer = byte_tokenizer()
    ids, _used = tokenize(PARAGRAPHS, tokenizer)
    assert not set(ids.tolist()) & {tokenizer.bos_token_id, tokenizer.eos_token_id}


@pytest.mark.parametrize(
    ("at_most", "paragraphs"), [(1, 1), (3, 1), (9, 1), (10, 2), (11, 2), (12, 3), (99, 3)]
)
def test_at_most_takes_whole_paragraphs_and_at_least_one(at_most, paragraphs):
    ids, used = tokenize(PARAGRAPHS, byte_tokenizer(), at_most)
    assert used == PARAGRAPHS[:paragraphs]
    assert len(ids) == utf8_bytes(used, byte_tokenizer())


def test_line_breaks_that_the_tokenizer_drops_are_no_bytes():
    dropping = byte_tokenizer()
    dropping.backend_tokenizer.normalizer = normalizers.Replace("\n", "")
    assert utf8_bytes(["ab", "é"], byte_tokenizer()) == 6
    assert utf8_bytes(["ab", "é"], dropping) == 4


def test_bytes_are_those_of_utf8():
    assert utf8_bytes(["é"], byte_tokenizer()) == 3
    assert utf8_bytes(["日本", ""], byte_tokenizer()) == 8


def test_reading_a_corpus(corpus):
    assert read_paragraphs(corpus / "test.jsonl") == PARAGRAPHS


def test_text_that_differs_from_its_manifest_is_refused(corpus):
    write_json_lines(corpus / "test.jsonl", [{"id": "0", "text": "other"}])
    with pytest.raises(InputError, match=r"test\.jsonl: has 29 bytes, its manifest says"):
        read_paragraphs(corpus / "test.jsonl")


def test_an_empty_corpus_is_refused(tmp_path):
    write_json_lines(tmp_path / "test.jsonl", [])
    write_manifest(tmp_path, {"kind": "text"})
    with pytest.raises(InputError, match=r"test\.jsonl: has no paragraphs"):
        read_paragraphs(tmp_path / "test.jsonl")


def test_text_without_a_manifest_is_set_aside(corpus):
    (corpus / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"test.jsonl: has no manifest.json .* same command"):
        read_paragraphs(corpus / "test.jsonl")
    assert (corpus / "test.jsonl.corrupt").is_file()
    assert not (corpus / "test.jsonl").exists()
