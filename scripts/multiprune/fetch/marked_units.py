"""The text of some elements of a page, as a parser of markup comes by them."""


class MarkedUnits:
    """Collects units; a parser tells it of starts, ends and text.

    Keys of `entry`: elements; optional unit, the attribute that has a unit's id, without which
    units are numbered; classes, of which a unit has one; leave_out, classes whose text is no part
    of any unit. Text belongs to the innermost unit that it stands in.
    """

    def __init__(self, entry: dict):
        self.elements = frozenset(entry["elements"])
        self.attribute = entry.get("unit")
        self.classes = frozenset(entry["classes"]) if "classes" in entry else None
        self.leave_out = frozenset(entry.get("leave_out", ()))
        self.found: list[tuple[str, list[str]]] = []
        # Open elements, each with the parts of the unit that its text belongs to, if to any.
        self.open: list[tuple[str, list[str] | None]] = []

    def is_open(self, tag: str) -> bool:
        """Whether an element of this name has begun and not ended."""
        return any(name == tag for name, _parts in self.open)

    def start(self, tag: str, attributes: dict[str, str], left_out: bool = False) -> None:
        """An element begins."""
        classes = set(attributes.get("class", "").split())
        if left_out or classes & self.leave_out:
            parts = None
        elif self._is_unit(tag, attributes, classes):
            parts = []
            name = attributes[self.attribute] if self.attribute else f"{len(self.found) + 1:05d}"
            self.found.append((name, parts))
        else:
            parts = self.open[-1][1] if self.open else None
        self.open.append((tag, parts))

    def _is_unit(self, tag: str, attributes: dict[str, str], classes: set[str]) -> bool:
        if tag not in self.elements or (self.attribute and not attributes.get(self.attribute)):
            return False
        return self.classes is None or bool(classes & self.classes)

    def end(self, tag: str) -> None:
        """An element ends, and all in it that have not; one that never began is passed over."""
        if self.is_open(tag):
            while self.open.pop()[0] != tag:
                pass

    def data(self, text: str) -> None:
        """Text stands here."""
        if self.open and (parts := self.open[-1][1]) is not None:
            parts.append(text)

    def units(self) -> list[tuple[str, str, str]]:
        """("", id, text) of every unit, also of empty ones."""
        return [("", name, "".join(parts)) for name, parts in self.found]
