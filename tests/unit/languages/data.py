"""A text of the Declaration, and what nothing is known of."""

from dataclasses import replace

from multiprune.languages.sources import Cldr, Text

KEK = Text("kek", "kek", "kek", "Q'eqchi'", 4, 60, {"Latn": 100})
EMPTY = Cldr(groups={}, likely={}, aliases={}, territories={})


def text(code, **changed):
    """A text whose language and tag are its code."""
    return replace(KEK, **{"code": code, "language": code, "bcp47": code, "name": code} | changed)
