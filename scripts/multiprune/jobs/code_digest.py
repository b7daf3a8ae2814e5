"""A hash of the code behind a script that comments, docstrings and layout do not change."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "multiprune"


def code_digest(script: Path | str) -> str:
    """Digest of a script and of every `multiprune` module that it imports, directly or not.

    The syntax tree without docstrings is hashed, so that an edited comment, docstring or line break
    reruns nothing while any change of meaning does. Package `__init__.py` files count. The same
    code has the same digest under every version of Python.
    """
    script = Path(script).resolve()
    digest = hashlib.sha256()
    for path in sorted(_reachable(script), key=lambda path: path.as_posix()):
        digest.update(path.relative_to(script.parent).as_posix().encode())
        digest.update(_meaning(path, path.stat().st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def _reachable(script: Path) -> set[Path]:
    found, waiting = set(), [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path, path.stat().st_mtime_ns, script.parent)
    return found


@cache
def _imports(path: Path, _modified: int, root: Path) -> tuple[Path, ...]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = []
    for name in names:
        if name.split(".")[0] == PACKAGE:
            parts = name.split(".")
            files += [
                root.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)
            ]
            files.append(root.joinpath(*parts).with_suffix(".py"))
    return tuple(file for file in files if file.is_file())


@cache
def _meaning(path: Path, _modified: int) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return repr(_structure(tree))


def _structure(node: object) -> object:
    """Types and fields of a syntax tree, without the empty fields that differ by version."""
    if isinstance(node, ast.AST):
        fields = ((name, _structure(value)) for name, value in ast.iter_fields(node))
        filled = [(name, value) for name, value in fields if value not in (None, [])]
        return (type(node).__name__, filled)
    return [_structure(entry) for entry in node] if isinstance(node, list) else node
