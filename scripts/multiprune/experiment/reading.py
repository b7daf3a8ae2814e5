"""Config files as they are written: where a mistake stands, and what a loader passes over.

Snakemake loads the files itself, before it reads the workflow. It does not say where in a file a
mistake stands, and of a key that stands twice it keeps the last in silence, as YAML and JSON
loaders do.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from multiprune.errors import InputError, shown

TEMPLATE = "__use_yte__"


def check_file(path: Path | str) -> None:
    """Raise InputError where a file cannot be read as a config or says the same key twice."""
    text = _read(Path(path))
    if _is_json(text, path):  # which Snakemake tries first
        return
    try:
        loader = yaml.FullLoader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            found = "nothing" if root is None else f"a {root.id}"
            raise InputError(f"{path}: found {found}, allowed are keys such as experiment: demo")
        _check_keys(root, path)
        loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InputError(f"{path}, line {mark.line + 1}: is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply") from None
    except ValueError as error:  # a date that does not exist, a number of thousands of digits
        raise InputError(f"{path}: holds a value that YAML cannot read: {error}") from None


def load(paths: Iterable[Path | str]) -> dict:
    """Config files, later ones laid over earlier ones as Snakemake lays them.

    InputError for a file that `check_file` refuses, and for an overlay that is given alone.
    """
    # Here, since jobs have no Snakemake.
    from snakemake.common.configfile import load_configfile
    from snakemake.utils import update_config

    paths, merged = list(paths), {}
    for path in paths:
        check_file(path)
        update_config(merged, load_configfile(path))
    check_base(merged, paths)
    return merged


def check_base(config: dict, paths: Sequence[Path | str]) -> None:
    """Raise InputError where a config has no experiment: it may be an overlay without its base."""
    if "experiment" not in config and len(paths) == 1:
        raise InputError(
            "top level: experiment is missing; is this an overlay? give its base first: "
            f"config/demo.yaml {paths[0]}"
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes().count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: is not UTF-8; convert the file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; allowed is a YAML file") from None


def _is_json(text: str, path: Path | str) -> bool:
    def once(pairs: list[tuple[str, object]]) -> dict:
        for name, times in Counter(name for name, _value in pairs).items():
            if times > 1:
                raise InputError(f"{path}: the key {shown(name)} stands twice; delete one")
        return dict(pairs)

    try:
        return isinstance(json.loads(text, object_pairs_hook=once), dict)
    except (ValueError, RecursionError):
        return False


def _check_keys(root: yaml.Node, path: Path | str) -> None:
    """Compare the keys of each mapping; an alias can lead to a node again, even from within it."""
    todo: list[tuple[yaml.Node, str, tuple]] = [(root, "", ())]
    seen: set[yaml.Node] = set()
    while todo:
        node, where, above = todo.pop()
        if node in above:
            raise InputError(f"{path}: {where} is an alias of what it stands in; write it out")
        if node not in seen:
            seen.add(node)
            below = _entries(node, where, path)
            todo += [(value, name, (*above, node)) for name, value in below]


def _entries(node: yaml.Node, where: str, path: Path | str) -> Iterator[tuple[str, yaml.Node]]:
    """What stands below a node, by its dotted path."""
    if isinstance(node, yaml.SequenceNode):
        yield from ((f"{where}.{position}", entry) for position, entry in enumerate(node.value))
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[tuple[str, str], int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = f"{where}.{key.value}".lstrip(".")
        this = (key.tag, str(key.value))
        if first := lines.get(this):
            raise InputError(
                f"{path}, line {line}: {shown(name)} stands twice, first in line {first}; "
                "delete one of them"
            )
        if name == TEMPLATE:
            raise InputError(
                f"{path}, line {line}: {TEMPLATE} runs Python code, and has done so before this "
                "was noticed; write values"
            )
        lines[this] = line
        yield name, value
