"""Which files a job reads, noted while it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOTING: list[set[Path]] = []  # of each `noting_inputs` that is under way


@contextmanager
def noting_inputs() -> Iterator[set[Path]]:
    """The files that are read in the block: JSON, safetensors, tables and what is noted."""
    inputs: set[Path] = set()
    _NOTING.append(inputs)
    try:
        yield inputs
    finally:
        _NOTING.pop()


def note_input(path: Path | str) -> None:
    """Count a file among the inputs that are being noted."""
    for inputs in _NOTING:
        inputs.add(Path(path))
