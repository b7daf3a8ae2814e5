"""Names and sentences as they are in Markdown, LaTeX and reStructuredText: text, and no markup.

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


def markdown(text: str) -> str:
    """Text within a line of Markdown, or within a cell of a table."""
    escaped = re.sub(r"([\\`*_|])", r"\\\1", _on_one_line(text))
    escaped = escaped.replace("<", "&lt;").replace(">", "&gt;")  # some renderers escape neither
    return re.sub(r"\](?=[(\[:])", r"\\]", escaped)  # no link, image or definition


def latex(text: str) -> str:
    """Text within a paragraph of LaTeX."""
    return "".join(LATEX_SPECIALS.get(character, character) for character in _on_one_line(text))


def restructured(text: str) -> str:
    """A paragraph of reStructuredText, or a part of one."""
    line = _on_one_line(text)
    escaped = re.sub(r"([\\*_`|]|:(?=\S)|:$)", r"\\\1", line)  # of a colon: links, literal blocks
    return "\\ " + escaped if BLOCK.match(line) else escaped


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
