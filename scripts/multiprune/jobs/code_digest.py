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
        digest.update(_read(path, path.stat().st_mtime_ns).meaning.encode())
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
            for name in _read(path, path.stat().st_mtime_ns).imported:
                waiting += _files_of(root, name)
    return found


@cache
def _files_of(root: Path, name: str) -> tuple[Path, ...]:
    """Files of the package that are read where a module or one of its names is imported."""
    package, _, module = name.partition(".")
    if package != PACKAGE or module in NEUTRAL:
        return ()
    parts = name.split(".")
    files = [root.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    return tuple(file for file in [*files, _file_of(root, name)] if file.is_file())


@cache
def _read(path: Path, _modified: int) -> "_Module":
    return _Module(ast.parse(path.read_text(encoding="utf-8")))


class _Module:
    """What a module's code means, and the names that it imports.

    `meaning` has the types and fields of the syntax tree, without what nothing but a reader's eye
    depends on, and without the empty fields that differ by version. Every job's process reads a
    hundred modules, so that the tree is gone through once.
    """

    def __init__(self, tree: ast.Module):
        self.imported: list[str] = []
        self.meaning = self._text(tree)

    def _text(self, value: object) -> str:
        if isinstance(value, list):
            return f"[{', '.join([self._text(entry) for entry in value if _counts(entry)])}]"
        if not isinstance(value, ast.AST):
            return repr(value)
        fields = vars(value)
        kind = type(value)
        if kind in _CHANGED:
            fields = fields | _CHANGED[kind](value)
        elif kind is ast.Import:
            self.imported += [alias.name for alias in value.names]
        elif kind is ast.ImportFrom and value.module:
            self.imported.append(value.module)
            self.imported += [f"{value.module}.{alias.name}" for alias in value.names]
        filled = []
        for name in kind._fields:
            entry = fields.get(name)
            if name == "body" and isinstance(entry, list) and entry and _is_text(entry[0]):
                entry = entry[1:]
            if entry is not None and (text := self._text(entry)) != "[]":
                filled.append(f"({name!r}, {text})")
        return f"({kind.__name__!r}, [{', '.join(filled)}])"


def _of_raise(node: ast.Raise) -> dict[str, object]:
    # Other exceptions are caught, and what they say can stand in a result.
    if isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", None) == "InputError":
        return {"exc": node.exc.func}
    return {}


def _of_call(node: ast.Call) -> dict[str, object]:
    name = getattr(node.func, "id", getattr(node.func, "attr", None))
    if name in TELLING:
        return {"args": [], "keywords": []}
    kept = [keyword for keyword in node.keywords if keyword.arg not in TOLD]
    return {"args": node.args[:-1] if name in SET_ASIDE else node.args, "keywords": kept}


_CHANGED = {ast.Raise: _of_raise, ast.Call: _of_call}


def _counts(node: object) -> bool:
    """Whether a statement is more than a constant that is read elsewhere."""
    return not (type(node) is ast.Assign and getattr(node.targets[0], "id", None) in ELSEWHERE)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
