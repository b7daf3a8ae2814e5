"""Text that looks like markup, rendered by the real renderers of each kind of page."""

import re

import markdown as renderer
import pytest
from docutils.core import publish_parts

from multiprune.files import markup

NASTY = [
    "`click <javascript:alert(1)>`_",
    "isi_zulu_",
    "*Bokmal",
    "|x|",
    ".. include:: /etc/passwd",
    ".. raw:: html",
    ".. image:: x.png",
    "text::",
    "- item",
    "* item",
    "1. item",
    "(a) item",
    ":field: body",
    "====",
    "[link](javascript:alert(1))",
    "![image](http://x/y.png)",
    "[a][b]",
    "[a]: http://x",
    "<b>bold</b>",
    "a | b",
    "two\nlines",
    "two\n\nparagraphs",
    "back\\slash",
]


def shown(html: str) -> str:
    """What a reader sees of HTML."""
    text = re.sub(r"<[^>]+>", "", html)
    for entity, character in {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&"}.items():
        text = text.replace(entity, character)
    return " ".join(text.split())


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("place", ["{}", "   * - {}\n     - cell", "before {} after"])
def test_restructured_text_shows_it(text, place):
    source = place.format(markup.restructured(text))
    if place.startswith("   *"):
        source = f".. list-table::\n\n{source}\n"
    settings = {"report_level": 1, "halt_level": 1, "file_insertion_enabled": True}
    body = publish_parts(source, writer="html5", settings_overrides=settings)["body"]
    assert " ".join(text.split()) in shown(body)
    assert not re.search(r"<(a|img|b|ul|ol|dl|hr|h\d|em)\b", body.replace("<b>bold", ""))


@pytest.mark.parametrize("text", NASTY)
def test_markdown_shows_it_in_a_cell(text):
    source = f"| head | other |\n|---|---|\n| {markup.markdown(text)} | cell |\n"
    html = renderer.markdown(source, extensions=["tables"])
    assert html.count("<td>") == 2
    assert " ".join(text.split()) in shown(html)
    assert not re.search(r"<(a|img|b|em|ul)\b", html)


def test_what_needs_no_escape_stays():
    text = "M-Wanda, at 0.5: 1.07 [1.05, 1.09] (two of 8)"
    assert markup.markdown(text) == markup.restructured(text) == text
