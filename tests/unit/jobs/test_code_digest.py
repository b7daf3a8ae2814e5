import ast
import os
import re
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from multiprune.jobs import code_digest as digest_module
from multiprune.jobs.code_digest import NEUTRAL, code_digest
from multiprune.registry import names

SCRIPTS = Path(__file__).parents[3] / "scripts"
RULES = SCRIPTS.parent / "rules"

FILES = {
    "prune.py": "from multiprune.scores import wanda\n\nprint(wanda(2))\n",
    "multiprune/__init__.py": "",
    "multiprune/scores.py": '''\
        """Scores."""
        import multiprune.ones as names
        from multiprune import figures
        from multiprune.errors import InputError


        def wanda(x):
            """The score."""
            if x is None:
                raise InputError(f"--x: is missing, found {x}")
            print("scored", x)
            return names.ONE * x + 1
        ''',
    "multiprune/ones.py": "from multiprune.wrong import Wrong\n\nONE = 1\n",
    "multiprune/wrong.py": "class Wrong(Exception):\n    pass\n",
    "multiprune/errors.py": "class InputError(Exception):\n    pass\n",
    "multiprune/figures/__init__.py": "",
    "multiprune/figures/bars.py": "from multiprune.figures import style\n\nCAPTION = 'Bars.'\n",
    "multiprune/figures/style.py": "WIDTH = 1\n",
    "multiprune/unrelated.py": "X = 1\n",
}


def digest_with(folder: Path, named=(), **changes: str) -> str:
    """Digest of prune.py in a made-up scripts folder, some of whose files differ."""
    root = folder / str(len(list(folder.iterdir())))
    files = {name: textwrap.dedent(text) for name, text in FILES.items()} | changes
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return code_digest(root / "prune.py", named)


SCORES = textwrap.dedent(FILES["multiprune/scores.py"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('    """The score."""\n', ""),
        ('"""The score."""', '"""Another explanation,\n\n    longer."""'),
        ('"""Scores."""\n', ""),
        ("    return", "    # a comment\n\n    return"),
        ("names.ONE * x + 1", "(\n        names.ONE * x + 1  # why\n    )"),
        ("\n\n\ndef", "\n\ndef"),
        ("is missing, found {x}", "was left out"),
        ('print("scored", x)', 'print("scored:", x, flush=True)'),
    ],
)
def test_words_and_layout_change_nothing(tmp_path, old, new):
    assert old in SCORES
    edited = {"multiprune/scores.py": SCORES.replace(old, new)}
    assert digest_with(tmp_path, **edited) == digest_with(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + 1", "x + 2"),
        ("x + 1", "x + 1.0"),
        ("x + 1", "x - 1"),
        ("ONE * x + 1", "ONE * (x + 1)"),
        ("def wanda(x)", "def wanda(x=None)"),
        ("x + 1", "x + True"),
        ("return names.ONE * x + 1", 'return "The score."'),
        ("return names.ONE * x + 1", "return None"),
        ("return names.ONE * x + 1", "return"),
        ("if x is None", "if not x"),
        ("raise InputError", "raise ValueError"),
        ("raise InputError", "return InputError"),
    ],
)
def test_code_changes_the_digest(tmp_path, old, new):
    assert old in SCORES
    edited = {"multiprune/scores.py": SCORES.replace(old, new)}
    assert digest_with(tmp_path, **edited) != digest_with(tmp_path)


def test_an_empty_return_is_not_a_returned_none(tmp_path):
    variants = {
        digest_with(tmp_path, **{"multiprune/scores.py": f"def wanda(x):\n    {body}\n"})
        for body in ("return", "return None", "return []", "return [None]", "pass")
    }
    assert len(variants) == 5


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("prune.py", True),
        ("multiprune/ones.py", True),  # import multiprune.x as y
        ("multiprune/wrong.py", True),  # imported by an imported module
        ("multiprune/__init__.py", True),
        ("multiprune/figures/__init__.py", True),  # from multiprune import a package
        ("multiprune/unrelated.py", False),
        ("multiprune/figures/bars.py", False),  # not named
        ("multiprune/errors.py", False),  # can change no result
    ],
)
def test_modules_count_where_they_are_reached(tmp_path, name, counts):
    edited = {name: FILES[name] + "\nNEW = 1\n"}
    assert (digest_with(tmp_path, **edited) != digest_with(tmp_path)) is counts


@pytest.mark.parametrize(
    ("name", "counts"),
    [("bars", True), ("style", True), ("new", False)],  # style: imported by bars
)
def test_a_named_module_counts_with_what_it_imports(tmp_path, name, counts):
    named = ["figures.bars"]
    edited = {f"multiprune/figures/{name}.py": "NEW = 1\n"}
    assert (digest_with(tmp_path, named, **edited) != digest_with(tmp_path, named)) is counts


@pytest.mark.parametrize("constant", ["CAPTION", "TITLE", "PLACE", "ON_PAGE", "OPTIONS"])
def test_what_no_job_reads_of_a_module_does_not_count(tmp_path, constant):
    bars = FILES["multiprune/figures/bars.py"].replace("CAPTION", constant)
    named = ["figures.bars"]
    edited = {"multiprune/figures/bars.py": bars.replace("Bars.", "Bars and lines.")}
    assert digest_with(tmp_path, named, **edited) == digest_with(tmp_path, named)
    edited = {"multiprune/figures/bars.py": bars.replace(constant, "EMPTY")}
    assert digest_with(tmp_path, named, **edited) != digest_with(tmp_path, named)


def test_what_another_exception_says_counts(tmp_path):
    """It may be caught, and stand in a result as a reason."""
    few, many = (
        digest_with(
            tmp_path, **{"multiprune/scores.py": f"def wanda(x):\n    raise Few({text!r})\n"}
        )
        for text in ("few windows", "few items")
    )
    assert few != many


def test_a_renamed_module_counts_even_with_the_same_code(tmp_path):
    renamed = {
        "multiprune/names.py": FILES["multiprune/ones.py"],
        "multiprune/scores.py": SCORES.replace("multiprune.ones", "multiprune.names"),
    }
    assert digest_with(tmp_path, **renamed) != digest_with(tmp_path)


def test_an_edit_counts_within_one_process(tmp_path):
    before = digest_with(tmp_path)
    path = tmp_path / "0" / "multiprune" / "wrong.py"
    written = path.stat().st_mtime_ns
    path.write_text("class Wrong(ValueError):\n    pass\n")
    os.utime(path, ns=(written + 10**9, written + 10**9))
    assert code_digest(tmp_path / "0" / "prune.py") != before


# The scripts themselves.


def digests(scripts: Path) -> dict[str, str]:
    return {path.name: code_digest(path) for path in scripts.glob("*.py")}


@contextmanager
def edited(scripts: Path, module: str) -> Iterator[None]:
    """The code of a module is another one for a while."""
    path = scripts / "multiprune" / module
    text, written = path.read_text(encoding="utf-8"), path.stat().st_mtime_ns
    path.write_text(text + "\nNEW = 1\n", encoding="utf-8")
    yield
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(written, written))


def behind(scripts: Path, module: str) -> set[str]:
    """Names of the scripts whose digest changes when a module's code does."""
    before = digests(scripts)
    with edited(scripts, module):
        return {name for name, digest in digests(scripts).items() if digest != before[name]}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    return Path(shutil.copytree(SCRIPTS, tmp_path_factory.mktemp("digests") / "scripts"))


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("figures/style.py", {"draw_figure.py"}),
        ("report/findings.py", {"write_findings.py"}),
        ("evaluation/generation.py", {"evaluate_downstream.py", "generate_examples.py"}),
        ("figures/wording.py", {"draw_figure.py"}),
        ("figures/__init__.py", {"draw_figure.py"}),
        ("figures/sparsity_by_block.py", set()),
        ("tables/perplexity.py", set()),
        ("tables/joining.py", {"join_tables.py"}),
        ("claims/documents.py", {"write_claims.py"}),
        ("pruning/scores/wanda.py", set()),
        ("calibration/sampling.py", {"sample_calibration.py"}),
        ("pruning/sequential/sparsegpt.py", {"prune_sequentially.py"}),
        ("export/checkpoint.py", {"export_model.py"}),
        ("evaluation/choice.py", {"choose_constants.py"}),
        ("experiment/key_page.py", {"document_config.py"}),
    ],
)
def test_a_module_reruns_its_own_stage_only(scripts, module, expected):
    assert behind(scripts, module) == expected


@pytest.mark.parametrize("package", ["tables", "figures"])
def test_an_alternative_counts_for_the_job_that_names_it(scripts, package):
    script = {"tables": "tabulate_results.py", "figures": "draw_figure.py"}[package]
    having = {"tables": "COLUMNS", "figures": "TABLES"}[package]
    modules = [f"{package}.{name}" for name in names(package, having=having)]
    before = {module: code_digest(scripts / script, [module]) for module in modules}
    assert len(set(before.values())) == len(modules)
    for name in modules:
        with edited(scripts, f"{name.replace('.', '/')}.py"):
            after = {module: code_digest(scripts / script, [module]) for module in modules}
        assert {module for module in modules if after[module] != before[module]} == {name}


@pytest.mark.parametrize("module", ["settings/methods", "validation", "plan", "options"])
def test_no_script_of_a_rule_depends_on_what_reads_a_config(scripts, module):
    rules = "".join(path.read_text(encoding="utf-8") for path in RULES.rglob("*.smk"))
    of_rules = set(re.findall(r"\w+\.py", rules))
    assert len(of_rules) > 15
    assert not behind(scripts, f"experiment/{module}.py") & of_rules


@pytest.mark.parametrize("module", sorted(NEUTRAL))
def test_what_changes_no_result_counts_for_none(scripts, module):
    assert behind(scripts, f"{module.replace('.', '/')}.py") == set()


COMPUTED = {"import_module", "__import__", "exec_module", "run_path", "run_module", "exec"}


def test_no_module_imports_what_the_digest_does_not_see():
    """Nothing but the registry imports by a computed name, and no import is relative."""
    for path in SCRIPTS.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
            word = getattr(node, "attr", getattr(node, "name", None))
            if isinstance(
                node, ast.Call
            ):  # of a function by its name; model.eval() is no such call
                word = getattr(node.func, "id", None)
            assert word not in COMPUTED or path.name == "registry.py", f"{path}: {word}"


def test_rules_name_the_modules_that_their_scripts_find_by_name():
    """Where a script finds an alternative, its rule tells the digest which."""
    rules = "".join(path.read_text(encoding="utf-8") for path in RULES.glob("*.smk"))
    plain = set(re.findall(r'code_of\("(\w+\.py)"\)', rules))
    naming = set(re.findall(r'code_of\("(\w+\.py)", \w+\)', rules))
    finding = {path.name for path in SCRIPTS.glob("*.py") if finds(path)}
    assert naming == finding & (plain | naming) - {"preflight.py"}  # runs whenever it is asked for


def finds(script: Path) -> bool:
    """Whether a script or a module that it imports finds modules by name."""
    waiting, seen = [script], set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        text = path.read_text(encoding="utf-8")
        if re.search(r"\bfind\(\"", text):
            return True
        waiting += set(code_digest_imports(path)) - seen
    return False


def code_digest_imports(path: Path) -> tuple[Path, ...]:
    """The files of the library that a file imports."""
    names = digest_module._read(path, path.stat().st_mtime_ns).imported
    return tuple(file for name in names for file in digest_module._files_of(SCRIPTS, name))
