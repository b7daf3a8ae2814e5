"""Calling a script as the command line does, without the seconds that a new process costs."""

import contextlib
import importlib
import io
import os
from pathlib import Path
from unittest.mock import patch

from multiprune.jobs.command import run


def call(name: str, *arguments: object) -> tuple[int, list[str]]:
    """Run scripts/{name}.py; its exit code and what it printed to stderr behind the first line.

    Anything but an InputError or OSError, which a user would meet as a traceback, is raised.
    """
    printed = io.StringIO()
    words = [name, *map(str, arguments)]
    with (
        patch("sys.argv", words),
        patch.dict(os.environ),
        contextlib.redirect_stderr(printed),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            run(importlib.import_module(name).main)
            code = 0
        except SystemExit as ended:
            code = ended.code
    return code, printed.getvalue().splitlines()[1:]


def refusal(name: str, *arguments: object) -> str:
    """The one line, the last, that a script ends with when it refuses its input."""
    code, lines = call(name, *arguments)
    assert code == 1, lines
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:], lines
    return lines[-1]


def assert_refused(output: Path, script: str, words: list, *parts: str) -> None:
    """The script's one line has all parts, and nothing stands where its output would."""
    line = refusal(script, *words)
    for part in parts:
        assert part in line
    assert not [path.name for path in output.parent.glob(f"*{output.name}*")]
