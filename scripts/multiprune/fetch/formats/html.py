"""HTML: the text of some elements."""

from html.parser import HTMLParser

from multiprune.fetch.marked_units import MarkedUnits

# Elements that have no end.
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
# Elements that end a paragraph which is still open, and part the words before and after them.
BLOCKS = {"article", "aside", "blockquote", "dir", "div", "dl", "fieldset", "footer", "form"}
BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "menu", "nav", "ol", "p"}
BLOCKS |= {"pre", "section", "table", "ul"}
PARTING = BLOCKS | {"br", "dd", "dt", "li", "td", "th", "tr"}
CODE = {"script", "style", "template"}


def units(data: bytes, entry: dict, code: str) -> list[tuple[str, str, str]]:
    """The elements that the entry names, in their order."""
    parser = _Parser(MarkedUnits(entry))
    parser.feed(data.decode("utf-8-sig"))
    parser.close()
    return parser.found.units()


class _Parser(HTMLParser):
    def __init__(self, found: MarkedUnits):
        super().__init__()
        self.found = found

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS and self.found.is_open("p"):
            self.found.end("p")
        if tag in PARTING:
            self.found.data(" ")
        known = {name: value or "" for name, value in attributes}
        self.found.start(tag, known, left_out=tag in CODE)
        if tag in VOID:
            self.found.end(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.found.end(tag)

    def handle_endtag(self, tag: str) -> None:
        self.found.end(tag)
        if tag in PARTING:
            self.found.data(" ")

    def handle_data(self, data: str) -> None:
        self.found.data(data)
