"""What every figure is: a file of its own with literal constants, of no other figure's code."""

import ast
import inspect
from pathlib import Path

import pytest

from multiprune.registry import LIBRARY, constants
from unit.columns import COLUMNS
from unit.figures.every import FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_what_it_is(name):
    found = constants("figures", name)
    assert set(found["TABLES"]) <= COLUMNS.keys()
    assert isinstance(found["STANDARD"], bool)
    assert len(found["TITLE"]) < 40
    assert isinstance(found["PLACE"], int)
    assert found["EMPTY"].endswith(".")
    figure = FIGURES[name]
    assert list(inspect.signature(figure.draw).parameters) == ["tables", "grid"]
    assert list(inspect.signature(figure.caption).parameters) == ["tables", "grid", "model"]


@pytest.mark.parametrize(("package", "alternatives"), [("figures", FIGURES), ("tables", COLUMNS)])
def test_none_imports_another(package, alternatives):
    """An edit of one would redraw the other, or make it anew."""
    for name in alternatives:
        path = Path(LIBRARY, package, f"{name}.py")
        imported = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        others = {f"multiprune.{package}.{other}" for other in alternatives}
        assert not imported & others, name
