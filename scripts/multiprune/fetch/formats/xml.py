"""XML: the text of some elements; nothing outside of the file is read, and no entity expanded."""

from xml.parsers import expat

from multiprune.fetch.marked_units import MarkedUnits


def units(data: bytes, entry: dict, code: str) -> list[tuple[str, str, str]]:
    """The elements that the entry names, in their order."""
    found = MarkedUnits(entry)
    parser = expat.ParserCreate()
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.data
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from None
    return found.units()


def _refuse_entity(name: str, *_others: object) -> None:
    """Entities that refer to each other unpack to more than any memory holds."""
    raise ValueError(f"it declares the entity {name!r}")
