"""Plain UTF-8 text: paragraphs between blank lines, numbered."""

from multiprune.fetch.own_text import split_paragraphs


def units(data: bytes, entry: dict, code: str) -> list[tuple[str, str, str]]:
    """The paragraphs, each with its number."""
    paragraphs = split_paragraphs(data.decode("utf-8-sig"))
    return [("", f"p{number:05d}", text) for number, text in enumerate(paragraphs, start=1)]
