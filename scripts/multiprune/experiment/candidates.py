"""Constants of a method that are chosen on validation text: which candidates there are.

Plain Python, since every job parses the workflow again. A constant is named by its dotted path in
the method's options (`allocation.strength`).
"""

import copy
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from multiprune.errors import InputError
from multiprune.registry import unknown_name

# What these decide is more than a constant: which statistics, masks or rules a method needs.
FIXED = {"score", "pattern", "propagation", "kind", "mixed"}
MOST_CANDIDATES = 10_000
LONGEST_NAME = 120  # characters; a file's name may have 255

Constant = str | int | float | bool


@dataclass(frozen=True)
class Candidate:
    """Values of all constants that are chosen, by path, under a name that can stand in a path."""

    name: str
    constants: dict[str, Constant]


def constants_of(options: Mapping, where: str = "") -> dict[str, Constant]:
    """Every constant that may be chosen, by its path, in options whose defaults are filled in."""
    found = {}
    for key, entry in options.items():
        path = f"{where}.{key}" if where else key
        if isinstance(entry, Mapping):
            found |= constants_of(entry, path)
        elif key not in FIXED and isinstance(entry, Constant):
            found[path] = entry
    return found


def with_constants(options: Mapping, constants: Mapping[str, Constant]) -> dict:
    """A copy of a method's options with constants set; InputError where the method has no such."""
    known = constants_of(options)
    changed = copy.deepcopy(dict(options))
    for path, value in constants.items():
        if path not in known:
            raise InputError(unknown_name("constant", path, sorted(known)))
        *parents, last = path.split(".")
        entry = changed
        for key in parents:
            entry = entry[key]
        entry[last] = value
    return changed


def candidates(options: Mapping, choose: Mapping[str, Sequence[Constant]]) -> list[Candidate]:
    """Every combination of the values in `choose`, the simplest first.

    A candidate is simpler the fewer of its values differ from the method's own; among equals, the
    one whose values stand earlier in their lists, compared list by list in the order of the paths.
    InputError where two values are the same in a path, a path is not a constant of the method, or
    there are more than ten thousand.
    """
    paths = sorted(choose)
    if (count := prod(map(len, choose.values()))) > MOST_CANDIDATES:
        raise InputError(f"found {count:,} combinations, allowed are {MOST_CANDIDATES:,}")
    for path in paths:
        texts = [_text(value) for value in choose[path]]
        if len(set(texts)) < len(texts):
            raise InputError(f"{path}: found {list(choose[path])}, two of them have the same name")
    found = []
    for values in product(*(choose[path] for path in paths)):
        constants = dict(zip(paths, values, strict=True))
        with_constants(options, constants)  # raises
        found.append(Candidate(_name(constants), constants))
    own = constants_of(options)
    # The product is already in the order of the lists, which a stable sort keeps.
    return sorted(found, key=lambda one: sum(own[path] != one.constants[path] for path in paths))


def middle(sparsities: Sequence[float]) -> float:
    """The middle one; of an even number the lower of the two."""
    return sorted(sparsities)[(len(sparsities) - 1) // 2]


def _name(constants: Mapping[str, Constant]) -> str:
    last = [path.split(".")[-1] for path in constants]
    labels = last if len(set(last)) == len(last) else list(constants)
    name = "__".join(
        f"{label}-{_text(value)}" for label, value in zip(labels, constants.values(), strict=True)
    )
    if len(name) > LONGEST_NAME:
        return f"sha256-{hashlib.sha256(name.encode()).hexdigest()[:24]}"
    return name


def _text(value: Constant) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, int | float) else value
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)
