"""Alternatives by name: each is a module of its own in the package of its axis.

A new score, table or figure is a new file that nothing else names; a norm, an allocation, a kind of
corpus or of model also has a class of its options in `experiment.settings`. Nothing but this module
imports by a computed name, so that what a job depends on can be read off its imports and the names
that it is given.
"""

import ast
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from multiprune.errors import InputError, shown

LIBRARY = Path(__file__).parent


def unknown_name(what: str, name: str, allowed: list[str]) -> str:
    """One line that says what was found, what is allowed and the nearest match."""
    nearest = get_close_matches(str(name), allowed, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"unknown {what} {shown(name)}: allowed are {', '.join(allowed)}{hint}"


def nearest_names(name: str, allowed: list[str]) -> list[str]:
    """The allowed names that are like a name, the nearest first; a few at most."""
    return get_close_matches(name, allowed)


def find(package: str, name: str, having: str | None = None, what: str | None = None) -> ModuleType:
    """The module of a package, such as `pruning.scores`, that has this name.

    InputError, with the list and the nearest match, where `names` has none; it calls the module
    `what`, or by the name of the package.
    """
    known = names(package, having)
    if name not in known:
        what = what or package.rpartition(".")[2].removesuffix("s")
        raise InputError(unknown_name(what, name, known))
    return import_module(f"multiprune.{package}.{name}")


@cache
def names(package: str, having: str | None = None) -> list[str]:
    """Names of the modules of a package, sorted; with `having`, of those that define this name."""
    files = sorted(LIBRARY.joinpath(*package.split(".")).glob("[a-z]*.py"))
    return [
        file.stem for file in files if having is None or having in constants(package, file.stem)
    ]


def summary(package: str, name: str) -> str:
    """The first line of a module's docstring, read without importing it."""
    path = LIBRARY.joinpath(*package.split("."), f"{name}.py")
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]


@cache
def constants(package: str, name: str) -> dict[str, object]:
    """The literal constants at the top of a module, read without importing it."""
    path = LIBRARY.joinpath(*package.split("."), f"{name}.py")
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found
