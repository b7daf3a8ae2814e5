"""A hash of the code that can change a script's result, and of nothing else.

Comments, docstrings, layout and what people are told do not count: arguments of `InputError`, of
`print` and of warnings, help texts, what the report alone shows of a table or a figure (CAPTION,
TITLE, PLACE, ON_PAGE), and a score's OPTIONS, whose values come to a job as parameters. NEUTRAL
modules do not count either, since no result depends on them; nor do the alternatives of a registry
(scores, norms, allocations, tables, figures) that a job does not name.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "multiprune"
# Modules that cannot change a result, whatever they do.
NEUTRAL = frozenset(
    {"errors", "registry", "files.aside", "files.locks", "jobs.command", "jobs.slurm"}
)
# Calls of which only the words depend on the arguments.
TELLING = frozenset({"print", "ArgumentParser", "add_argument_group", "warn", "warning"})
SET_ASIDE = frozenset({"set_aside", "set_both_aside"})  # the last argument is the reason
# Constants that the report shows, and that the config's models are made of.
ELSEWHERE = frozenset({"CAPTION", "TITLE", "PLACE", "ON_PAGE", "OPTIONS"})
TOLD = frozenset({"help", "description", "metavar", "epilog"})  # keywords of argparse


def code_digest(script: Path | str, named: Iterable[str] = ()) -> str:
    """Digest of a script, of the modules that it imports, and of the modules that its job names.

    `named`: dotted names below the package, such as `pruning.scores.wanda`. Imports are followed
    through, package `__init__.py` files count. The same code has the same digest under every
    version of Python.
    """
    script = Path(script).resolve()
    root = script.parent
    start = [script, *(_file_of(root, f"{PACKAGE}.{name}") for name in named)]
    digest = hashlib.sha256()
    for path in sorted(_reachable(start, root), key=Path.as_posix):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(_meaning(path, path.stat().st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def _file_of(root: Path, module: str) -> Path:
    return root.joinpath(*module.split(".")).with_suffix(".py")


def _reachable(start: list[Path], root: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = list(start)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path, path.stat().st_mtime_ns, root)
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
        package, _, module = name.partition(".")
        if package == PACKAGE and module not in NEUTRAL:
            parts = name.split(".")
            files += [root.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts))]
            files += [root.joinpath(*parts, "__init__.py"), _file_of(root, name)]
    return tuple(file for file in files if file.is_file())


@cache
def _meaning(path: Path, _modified: int) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return repr(_structure(_WithoutWords().visit(tree)))


class _WithoutWords(ast.NodeTransformer):
    """Takes out what nothing but a reader's eye depends on."""

    def visit(self, node: ast.AST) -> ast.AST:
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:]
        return super().visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        # Other exceptions are caught, and what they say can stand in a result.
        if isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", None) == "InputError":
            node.exc = node.exc.func
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        if getattr(node.targets[0], "id", None) in ELSEWHERE:
            return None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = getattr(node.func, "id", getattr(node.func, "attr", None))
        if name in TELLING:
            node.args = node.keywords = []
        elif name in SET_ASIDE:
            node.args = node.args[:-1]
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in TOLD]
        return self.generic_visit(node)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _structure(node: object) -> object:
    """Types and fields of a syntax tree, without the empty fields that differ by version."""
    if isinstance(node, ast.AST):
        fields = ((name, _structure(value)) for name, value in ast.iter_fields(node))
        filled = [(name, value) for name, value in fields if value not in (None, [])]
        return (type(node).__name__, filled)
    return [_structure(entry) for entry in node] if isinstance(node, list) else node
