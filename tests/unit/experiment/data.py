"""The small config with changes, and what is said of a config with a mistake."""

import copy

import pytest
from tiny import small_config

from multiprune.errors import InputError
from multiprune.experiment.config import validate

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


# Five calibration languages of two families, and one unseen in each set of them.


def wanda(calibration: object = None, **norm: object) -> dict:
    """The method wanda on some languages, with a norm of its own."""
    method = {"score": "wanda"}
    if norm:
        method["norm"] = {"kind": "pooled", **norm}
    return method if calibration is None else {**method, "calibration": calibration}


def language(role: str = "calibration", **more: object) -> dict:
    """A language whose text is in the small config's corpus."""
    return {"corpus": "words", "role": role, **more}


FIVE = {
    "de": language(script="Latn", family="ine", speakers=90),
    "en": language(script="Latn", family="ine", speakers=1500),
    "ru": language(script="Cyrl", family="ine", speakers=250),
    "tr": language(script="Latn", family="trk", speakers=90),
    "kk": language(script="Cyrl", family="trk", speakers=13),
}
UNSEEN = {
    "fr": language("unseen", script="Latn", family="ine"),
    "sw": language("unseen", script="Latn", family="nic"),
    "xx": language("unseen"),
}


def five(*changes: tuple[str, object]) -> dict:
    """The small config with five calibration languages and three unseen ones."""
    return changed(("languages", copy.deepcopy(FIVE | UNSEEN)), *changes)
