"""Names and sentences in Markdown, LaTeX, reStructuredText and CSV: text, and no markup.

Whatever a config, a corpus or a claim calls something, a page shows it and follows none of it.
"""

import re

LATEX_SPECIALS = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    # in braces, or a row that starts with a bracket would give it to the line break before
    "[": "{[}", "]": "{]}", **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip
# What begins a block of reStructuredText: a directive, a list, a field, a rule.
BLOCK = re.compile(r"[!-/:-@\[-`{-~]|\w{1,6}[.)] |\(\w{1,6}\) ")
# GitHub links an address, in spite of escapes and entities, unless an element of HTML parts it:
# https://github.github.com/gfm/#autolinks-extension- An element also keeps $ from being a formula.
LIVE = re.compile(r":(?=//)|(?<=www)\.|[@$]", re.IGNORECASE)
# What a spreadsheet takes for a formula where it begins a cell, also in its wide form, and also
# behind apostrophes, or a text that has its own could not be told from one that got it here.
FORMULA = re.compile("'*[-=+@\t\r\n\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]inf", re.IGNORECASE)


def markdown(text: str) -> str:
    """Text within a line of Markdown, or within a cell of a table."""
    escaped = re.sub(r"([\\`*_|])", r"\\\1", _on_one_line(text).replace("&", "&amp;"))
    escaped = escaped.replace("<", "&lt;").replace(">", "&gt;")  # some renderers escape neither
    escaped = LIVE.sub(r"<span>\g<0></span>", escaped.replace("~", "&#126;"))
    return re.sub(r"\](?=[(\[:])", r"\\]", escaped)  # no link, image or definition


def latex(text: str) -> str:
    """Text within a paragraph of LaTeX."""
    return "".join(LATEX_SPECIALS.get(character, character) for character in _on_one_line(text))


def restructured(text: str) -> str:
    """A paragraph of reStructuredText, or a part of one."""
    line = _on_one_line(text)
    escaped = re.sub(r"([\\*_`|@]|:(?=\S)|:$)", r"\\\1", line)  # of a colon: links, literal blocks
    return "\\ " + escaped if BLOCK.match(line) else escaped


def csv_text(text: str) -> str:
    """A cell of CSV that no spreadsheet computes; numbers stay as they are."""
    formula = FORMULA.match(text) and not NUMBER.fullmatch(text)
    return f"'{text}" if formula else text


def text_of_csv(cell: str) -> str:
    """What `csv_text` made a cell of."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
