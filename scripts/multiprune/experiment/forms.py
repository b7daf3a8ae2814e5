"""Forms: overlays in which constants are left blank for whoever knows them."""

from collections.abc import Iterator

from multiprune.errors import InputError


def check_blanks(raw: object) -> None:
    """A form must be filled in: no constant that has a source is blank, nor the page of one."""
    sources = raw.get("sources") if isinstance(raw, dict) else None
    if not isinstance(sources, dict):
        return
    blank = []
    for path, entry in sources.items():
        entry = entry if isinstance(entry, dict) else {}
        where = f" ({entry['source']})" if "source" in entry else ""
        if any(value is None for value in _leaves(_at(raw, str(path)))):
            blank.append(f"{path}{where}")
        elif entry.get("page", 1) is None:
            blank.append(f"the page of {path}{where}")
    if blank:
        raise InputError(f"still blank: {'; '.join(blank)}; fill them in, or delete their lines")


def _at(config: object, path: str) -> object:
    """What stands at a dotted path; an empty mapping where nothing does."""
    for part in path.split("."):
        if not isinstance(config, dict) or part not in config:
            return {}
        config = config[part]
    return config


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    else:
        yield value
