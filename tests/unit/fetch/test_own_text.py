"""A user's own text to be scored; how a corpus reads it is tested with its kind."""

import pytest

from multiprune.errors import InputError
from multiprune.fetch.own_text import own_paragraphs


def test_a_byte_order_mark_and_windows_line_ends_are_no_text(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(
        b'\xef\xbb\xbf{"text": "h\xc3\xa9"}\r\n\r\n{"text": "o"}\r\n'
    )
    assert own_paragraphs(tmp_path / "t.jsonl") == ["hé", "o"]


def test_text_that_is_not_utf8_is_one_line(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'{"text": "good"}\n{"text": "caf\xe9"}\n')
    with pytest.raises(InputError) as error:
        own_paragraphs(tmp_path / "t.jsonl")
    expected = f"{tmp_path}/t.jsonl: line 2 is not UTF-8 (byte 0xe9); convert the file to UTF-8"
    assert str(error.value) == expected


@pytest.mark.parametrize(
    ("paragraphs", "expected"),
    [("blank_lines", ["one two", "three"]), ("lines", ["one", "two", "three"])],
)
def test_plain_text(tmp_path, paragraphs, expected):
    (tmp_path / "t.txt").write_text("one\r\ntwo\n \u200b\n\nthree")
    assert own_paragraphs(tmp_path / "t.txt", paragraphs) == expected


@pytest.mark.parametrize("name", ["t.txt", "t.jsonl"])
def test_nothing_to_score(tmp_path, name):
    (tmp_path / name).write_text("\n\n")
    with pytest.raises(InputError, match=r"has no paragraphs"):
        own_paragraphs(tmp_path / name)
    with pytest.raises(InputError, match=r"gone.*no such file; own text is a file in UTF-8"):
        own_paragraphs(tmp_path / f"gone-{name}")
