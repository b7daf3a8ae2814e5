import os
import shutil
import textwrap
from pathlib import Path

import pytest

from multiprune.jobs.code_digest import code_digest

SCRIPTS = Path(__file__).parents[3] / "scripts"
RULES = SCRIPTS.parent / "rules"

FILES = {
    "prune.py": "from multiprune.scores import wanda\n\nprint(wanda(2))\n",
    "multiprune/__init__.py": "",
    "multiprune/scores.py": '''\
        """Scores."""
        import multiprune.registry as names
        from multiprune import figures


        def wanda(x):
            """The score."""
            return names.ONE * x + 1
        ''',
    "multiprune/registry.py": "from multiprune.errors import Wrong\n\nONE = 1\n",
    "multiprune/errors.py": "class Wrong(Exception):\n    pass\n",
    "multiprune/figures/__init__.py": "",
    "multiprune/unrelated.py": "X = 1\n",
}


def digest_with(folder: Path, **changes: str) -> str:
    """Digest of prune.py in a made-up scripts folder, some of whose files differ."""
    root = folder / str(len(list(folder.iterdir())))
    files = {name: textwrap.dedent(text) for name, text in FILES.items()} | changes
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return code_digest(root / "prune.py")


SCORES = textwrap.dedent(FILES["multiprune/scores.py"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""The score."""\n', ""),
        ('"""The score."""', '"""Another explanation,\n\n    longer."""'),
        ('"""Scores."""\n', ""),
        ("    return", "    # a comment\n\n    return"),
        ("names.ONE * x + 1", "(\n        names.ONE * x + 1  # why\n    )"),
        ("\n\n\ndef", "\n\ndef"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(tmp_path, old, new):
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
        ("multiprune/registry.py", True),  # import multiprune.x as y
        ("multiprune/errors.py", True),  # imported by an imported module
        ("multiprune/__init__.py", True),
        ("multiprune/figures/__init__.py", True),  # from multiprune import a package
        ("multiprune/unrelated.py", False),
    ],
)
def test_modules_count_where_they_are_reached(tmp_path, name, counts):
    edited = {name: FILES[name] + "\nNEW = 1\n"}
    assert (digest_with(tmp_path, **edited) != digest_with(tmp_path)) is counts


def test_a_renamed_module_counts_even_with_the_same_code(tmp_path):
    renamed = {
        "multiprune/names.py": FILES["multiprune/registry.py"],
        "multiprune/scores.py": SCORES.replace("multiprune.registry", "multiprune.names"),
    }
    assert digest_with(tmp_path, **renamed) != digest_with(tmp_path)


def test_an_edit_counts_within_one_process(tmp_path):
    before = digest_with(tmp_path)
    path = tmp_path / "0" / "multiprune" / "errors.py"
    written = path.stat().st_mtime_ns
    path.write_text("class Wrong(ValueError):\n    pass\n")
    os.utime(path, ns=(written + 10**9, written + 10**9))
    assert code_digest(tmp_path / "0" / "prune.py") != before


# The scripts themselves.


def behind(scripts: Path, module: str) -> set[str]:
    """Names of the scripts whose digest changes when a module's code does."""
    before = {path.name: code_digest(path) for path in scripts.glob("*.py")}
    path = scripts / "multiprune" / module
    path.write_text(path.read_text(encoding="utf-8") + "\nNEW = 1\n", encoding="utf-8")
    return {path.name for path in scripts.glob("*.py") if code_digest(path) != before[path.name]}


@pytest.fixture
def scripts(tmp_path):
    return Path(shutil.copytree(SCRIPTS, tmp_path / "scripts"))


@pytest.mark.parametrize("module", ["scores.py", "norms.py", "allocations.py", "patterns.py"])
def test_the_axes_of_a_method_stand_behind_pruning_alone(scripts, module):
    found = behind(scripts, module)
    assert "prune_model.py" in found
    assert not found & {
        "collect_statistics.py",
        "sample_calibration.py",
        "evaluate_perplexity.py",
        "fetch_model.py",
        "fetch_corpus.py",
        "draw_figure.py",
    }


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("figures/sparsity_by_block.py", {"draw_figure.py"}),
        ("figures/style.py", {"draw_figure.py"}),
        ("figures/registry.py", {"draw_figure.py"}),
        ("figures/__init__.py", {"draw_figure.py"}),
        ("calibration.py", {"sample_calibration.py"}),
        ("perplexity.py", {"evaluate_candidate.py", "evaluate_perplexity.py", "verify_model.py"}),
        ("pruning.py", {"evaluate_candidate.py", "prune_model.py", "prune_sequentially.py"}),
        ("sequential.py", {"prune_sequentially.py"}),
        ("block_pruners.py", {"prune_sequentially.py"}),
        ("sparsegpt.py", {"prune_sequentially.py"}),
        ("export.py", {"export_model.py"}),
        ("sweep_choice.py", {"choose_constants.py"}),
        ("sweep_tables.py", {"tabulate_sweep.py"}),
        ("config_table.py", {"document_config.py"}),
    ],
)
def test_a_module_reruns_its_own_stage_only(scripts, module, expected):
    assert behind(scripts, module) == expected


def test_no_script_of_a_rule_depends_on_the_config_module(scripts):
    assert behind(scripts, "config.py") == {"check_config.py"}
    rules = "".join(path.read_text(encoding="utf-8") for path in RULES.rglob("*.smk"))
    assert "check_config.py" not in rules


def test_what_is_shared_by_all_counts_for_all(scripts):
    everything = {path.name for path in SCRIPTS.glob("*.py")} - {"document_config.py"}
    assert behind(scripts, "command.py") >= everything
