"""Named functions of one axis of a method, with an answer that helps when a name is unknown."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from multiprune.errors import InputError, shown


def unknown_name(what: str, name: str, allowed: list[str]) -> str:
    """One line that says what was found, what is allowed and the nearest match."""
    nearest = get_close_matches(str(name), allowed, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"unknown {what} {shown(name)}: allowed are {', '.join(allowed)}{hint}"


class Registry:
    """Maps the names used in a config to functions."""

    def __init__(self, what: str):
        self.what = what
        self._functions: dict[str, Callable] = {}

    def register(self, name: str) -> Callable[[Callable], Callable]:
        """Decorator that makes a function available under `name`."""

        def add(function: Callable) -> Callable:
            self._functions[name] = function
            return function

        return add

    def __getitem__(self, name: str) -> Callable:
        if name not in self._functions:
            raise InputError(unknown_name(self.what, name, sorted(self)))
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)
