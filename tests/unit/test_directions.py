"""Which package may import which: those before it, and no later stage."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "scripts/multiprune"
ORDER = [
    "errors", "registry", "files", "jobs", "models", "experiment", "uncertainty",
    "fetch", "calibration", "statistics", "pruning", "evaluation", "claims", "tables", "figures",
    "report", "export", "audit", "languages",
]  # fmt: skip
MOST_LINES = 400
RULES = Path(__file__).parents[2] / "rules"
MOST_NAMES = 12  # that a rule file takes from elsewhere


def imported(path: Path) -> set[str]:
    """Packages and modules at the top of the library that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        parts = [name.split(".") for name in names]
        found |= {part[1] for part in parts if part[0] == "multiprune" and len(part) > 1}
    return found


def test_the_list_has_every_package():
    entries = {path.stem for path in LIBRARY.iterdir() if not path.name.startswith("__")}
    assert entries == set(ORDER)
    assert len(entries) <= 20


@pytest.mark.parametrize("name", ORDER)
def test_a_package_imports_what_stands_before_it(name):
    folder = LIBRARY / name
    allowed = {*ORDER[: ORDER.index(name)], name}
    for path in folder.rglob("*.py") if folder.is_dir() else [LIBRARY / f"{name}.py"]:
        assert imported(path) <= allowed, path


def test_what_a_package_is_for_stands_in_its_docstring_and_nothing_else_does():
    for path in LIBRARY.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert path.parent == LIBRARY or len(body) == 1, path
        assert all(isinstance(node, ast.Expr) for node in body), path


def test_no_file_is_long():
    for folder in ("scripts", "tests", "benchmarks"):
        for path in (RULES.parent / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path


def shared_names() -> set[str]:
    """What rules/common.smk imports and defines."""
    text = (RULES / "common.smk").read_text(encoding="utf-8")
    found = set(re.findall(r"^(?:def )?(\w+)(?: =|\()", text, re.MULTILINE))
    for line in re.findall(r"^(?:from \S+ )?import (.+)$", text, re.MULTILINE):
        found |= {part.split()[-1] for part in line.split(",")}
    return found


STAGES = sorted(path for path in RULES.glob("*.smk") if path.stem != "common")


def test_the_names_that_rules_share_are_found():
    assert {"plan", "options", "ask", "job", "modules", "one_of", "canonical"} <= shared_names()


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
def test_a_rule_file_reads_alone(path):
    """It takes little from elsewhere, imports nothing and defines no function."""
    text = path.read_text(encoding="utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    used = {token.string for token in tokens if token.type == tokenize.NAME}
    assert len(used & shared_names()) <= MOST_NAMES
    assert not re.search(r"^(def|class|import|from) ", text, re.MULTILINE)
