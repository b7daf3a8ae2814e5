"""Text that looks like markup, rendered by the real renderers of each kind of page."""

import re
from html import unescape

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
    "javascript:alert(1)",
    "http://evil.example/x",
    "HTTPS://EVIL.example",
    "www.evil.example",
    "WWW.evil.example",
    "user@example.com",
    "mailto:x@y.org",
    "foo@bar.com:x",
    "@org",
    "~~x~~",
    "~x~",
    "a $x$ b",
    "&#60;b",
    "&lt;b&gt; &copy;",
]
# What GitHub links where it stands in a text, and what it takes for a formula or strikes out.
LIVE = re.compile(r"\w+://|www\.|\w@\w|&#64;|&#58;|\$\w|(?<!\\)~", re.IGNORECASE)
FORMULAS = [
    '=HYPERLINK("http://evil.example")', "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "\uff1d1+1", "-0.5 as in the paper", "+12.3 points, Table 2", "-ka", "-", "-.", "+1,000",
    "-1e5e5",
]  # fmt: skip
HARMLESS = ["", "de", " =1+1", "a=1", "-0.5", "+12", "-1.5e-05", "-.5", "-inf", "it's", "'tis"]


def shown(html: str) -> str:
    """What a reader sees of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


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


@pytest.mark.parametrize("text", NASTY)
def test_markdown_holds_nothing_that_github_makes_live(text):
    """The renderer above knows none of GitHub's extensions."""
    assert not LIVE.search(markup.markdown(text))


@pytest.mark.parametrize("text", [*FORMULAS, "'=1", "''-x"])
def test_a_formula_gets_an_apostrophe_and_loses_it_again(text):
    assert markup.csv_text(text) == "'" + text
    assert markup.text_of_csv("'" + text) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_cells_stay(text):
    assert markup.csv_text(text) == markup.text_of_csv(text) == text


def test_what_needs_no_escape_stays():
    text = "M-Wanda, at 0.5: 1.07 [1.05, 1.09] (two of 8)"
    assert markup.markdown(text) == markup.restructured(text) == text
