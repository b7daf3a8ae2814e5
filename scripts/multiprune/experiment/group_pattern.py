"""Patterns n:m: of every m consecutive weights of an output row, n are dropped.

Without torch, since the workflow reads the patterns of a config in every job.
"""

import re
from dataclasses import dataclass

from multiprune.errors import InputError

UNSTRUCTURED = "unstructured"
LARGEST_GROUP = 64


@dataclass(frozen=True)
class GroupPattern:
    """`dropped` of every `size` consecutive weights go; 2:4 drops 2 of 4 and keeps 2."""

    dropped: int
    size: int

    def __str__(self) -> str:
        return f"{self.dropped}:{self.size}"

    @property
    def slug(self) -> str:
        """The pattern as it stands in names and paths, which hold no colon."""
        return f"{self.dropped}-{self.size}"

    @property
    def sparsity(self) -> float:
        """Share of weights dropped."""
        return self.dropped / self.size


def parse_pattern(text: str, where: str = "pattern") -> GroupPattern | None:
    """A pattern as written in a config, None for unstructured; InputError for anything else."""
    if text == UNSTRUCTURED:
        return None
    found = re.fullmatch(r"([1-9][0-9]?):([1-9][0-9]?)", text)
    pattern = GroupPattern(int(found[1]), int(found[2])) if found else None
    if pattern is None or not pattern.dropped < pattern.size <= LARGEST_GROUP:
        raise InputError(
            f"{where}: found {text!r}, allowed are {UNSTRUCTURED} and, in quotes, n:m with "
            f'0 < n < m <= {LARGEST_GROUP} such as "2:4"'
        )
    return pattern


def without_quotes(number: object) -> str:
    """What stood in a YAML file that gave this number: 2:4 is 2 * 60 + 4; empty if no pattern."""
    if type(number) is not int:
        return ""
    dropped, size = divmod(number, 60)
    return f"{dropped}:{size}" if 0 < dropped < size else ""


def check_quotes(config: object) -> None:
    """YAML takes 2:4 without quotes for a number of base 60, which the schema cannot explain."""
    methods = config.get("methods") if isinstance(config, dict) else None
    for name, method in methods.items() if isinstance(methods, dict) else ():
        found = method.get("pattern") if isinstance(method, dict) else None
        if meant := without_quotes(found):
            raise InputError(
                f"methods.{name}.pattern: found {found}, which is how YAML reads {meant} without "
                f'quotes; write "{meant}"'
            )
