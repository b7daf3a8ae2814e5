"""The small config with changes, and what is said of a config with a mistake."""

import pytest
from tiny import small_config

from multiprune.config import validate
from multiprune.errors import InputError

MISSING = object()


def changed(*changes: tuple[str, object]) -> dict:
    """The small config with values set, or removed, at dotted paths."""
    config = small_config()
    for path, value in changes:
        *parents, last = path.split("/")
        entry = config
        for key in parents:
            entry = entry.setdefault(key, {})
        if value is MISSING:
            del entry[last]
        else:
            entry[last] = value
    return config


def message(config: dict) -> str:
    with pytest.raises(InputError) as error:
        validate(config)
    return str(error.value)
