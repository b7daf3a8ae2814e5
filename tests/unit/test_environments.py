"""The conda environments against what the scripts of each rule file really import."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from multiprune.errors import InputError
from multiprune.jobs.code_digest import PACKAGE
from write_environments import environments

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
RULES = sorted(path.name for path in (ROOT / "rules").glob("*.smk") if path.name != "common.smk")
DISTRIBUTIONS = {"yaml": "PyYAML", "PIL": "pillow", "sklearn": "scikit-learn"}


def normal(distribution: str) -> str:
    """Name of a distribution as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, at any depth, or may find by name in a package."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not followed by code_digest"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def alternatives(path: Path) -> set[str]:
    """Dotted names of all modules of the packages in which a file finds one by its name."""
    packages = [
        Path(SCRIPTS, PACKAGE, *node.args[0].value.split("."))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", None) == "find"
        and isinstance(node.args[0], ast.Constant)
    ]
    files = [file.relative_to(SCRIPTS) for package in packages for file in package.glob("*.py")]
    return {".".join(file.with_suffix("").parts) for file in files}


def files_behind(script: str) -> set[Path]:
    """A script and the library modules that it imports or finds by their names, transitively."""
    waiting, seen = [SCRIPTS / script], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports(path) | alternatives(path):
            if name.split(".")[0] == PACKAGE:
                module = SCRIPTS / Path(*name.split("."))
                candidates = (module.with_suffix(".py"), module / "__init__.py")
                waiting += [candidate for candidate in candidates if candidate.is_file()]
    return seen


def third_party(script: str) -> set[str]:
    """Distributions that a script and the library modules behind it import."""
    names = {name.split(".")[0] for path in files_behind(script) for name in imports(path)}
    names -= {PACKAGE, *sys.stdlib_module_names}
    return {normal(DISTRIBUTIONS.get(name, name)) for name in names}


def scripts_of(rules: str) -> set[str]:
    """Scripts named in a rule file."""
    return set(re.findall(r'\bjob\("(\w+\.py)"', (ROOT / "rules" / rules).read_text()))


def environment_of(rules: str) -> dict:
    """The one environment that all rules of a file use."""
    found = set(re.findall(r'"\.\./envs/(\w+\.yaml)"', (ROOT / "rules" / rules).read_text()))
    assert found == {rules.replace(".smk", ".yaml")}
    return yaml.safe_load((ROOT / "envs" / found.pop()).read_text())


def pins(lines: list[str]) -> dict[str, str]:
    """Distribution -> version; every line must be pinned exactly."""
    parsed = [re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)", line) for line in lines]
    assert all(parsed), [line for line, match in zip(lines, parsed, strict=True) if not match]
    return {normal(match[1]): match[2] for match in parsed}


def requirements(name: str) -> dict[str, str]:
    """Pins of a requirements file, without comments and options."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return pins([line for line in lines if line and not line.startswith("-")])


def pip_section(environment: dict) -> dict[str, str]:
    """Pins of an environment's pip section."""
    return pins(environment["dependencies"][-1]["pip"])


def test_every_stage_has_an_environment_and_none_is_left_over():
    assert len(RULES) >= 6
    stages = {name.replace(".smk", ".yaml") for name in RULES}
    assert stages == {path.name for path in (ROOT / "envs").glob("*.yaml")}


@pytest.mark.parametrize("rules", RULES)
def test_environment_lists_all_that_its_scripts_import(rules):
    scripts = scripts_of(rules)
    assert scripts
    needed = set().union(*map(third_party, scripts))
    assert needed <= pip_section(environment_of(rules)).keys()


def test_environments_that_load_tokenizers_can_read_sentencepiece():
    """transformers imports these two by itself, for a tokenizer that is a *.model file alone."""
    module = SCRIPTS / PACKAGE / "models/tokenizer.py"
    loading = [r for r in RULES if any(module in files_behind(s) for s in scripts_of(r))]
    assert loading == ["calibration.smk", "evaluation.smk", "fetch.smk"]
    for rules in loading:
        assert {"sentencepiece", "protobuf"} <= pip_section(environment_of(rules)).keys()


@pytest.mark.parametrize("rules", RULES)
def test_environment_comes_from_conda_forge_alone_with_python_and_pip(rules):
    environment = environment_of(rules)
    assert environment.keys() == {"channels", "dependencies"}
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert environment["dependencies"][:-1] == ["python=3.11", "pip"]


def test_the_environments_are_not_stale():
    packages, lock = (ROOT / name for name in ("envs/packages.toml", "requirements-lock.txt"))
    for stage, content in environments(packages.read_text(), lock.read_text()).items():
        assert (ROOT / f"envs/{stage}.yaml").read_text() == content, f"{stage}: make envs"


def test_what_packages_bring_is_pinned_too():
    figures = pip_section(environment_of("figures.smk"))
    assert {"matplotlib", "pillow", "typing-extensions"} <= figures.keys()
    assert not figures.keys() & {"torch", "transformers"}


def test_stages_with_the_same_needs_have_one_environment():
    """Snakemake knows an environment by the content of its file."""
    contents = {
        (ROOT / f"envs/{stage}.yaml").read_text()
        for stage in ("calibration", "statistics", "pruning")
    }
    assert len(contents) == 1


def test_a_package_that_the_lock_lacks_is_refused():
    packages = '[groups]\n[stages]\nfigures = ["matplotlib"]\n'
    with pytest.raises(InputError, match=r"packages.toml: numpy is not in requirements-lock.txt"):
        environments(packages, "matplotlib==3.11.2\n" + "".join(
            f"{name}==1.0\n" for name in ("contourpy", "cycler", "fonttools", "kiwisolver",
                                          "packaging", "pillow", "pyparsing", "python-dateutil",
                                          "six")))  # fmt: skip


def test_requirements_and_lock_agree():
    lock = requirements("requirements-lock.txt")
    for distribution, version in requirements("requirements.txt").items():
        assert lock[distribution] == version


@pytest.mark.parametrize("script", ["prune_model.py", "draw_figure.py", "tabulate_results.py"])
def test_light_stages_load_neither_transformers_nor_a_hub(script):
    assert not third_party(script) & {"transformers", "datasets", "huggingface-hub"}


@pytest.mark.parametrize("rules", RULES)
def test_a_new_key_of_the_config_is_code_of_no_job(rules):
    """Jobs are told what they need; the table of claims alone reads a file like a config."""
    settings = SCRIPTS / PACKAGE / "experiment/settings"
    for script in scripts_of(rules):
        found = {path.stem for path in files_behind(script) if path.parent == settings}
        shared = {"json_schema", "messages", "reading", "section", "values"}
        assert found == (shared if script == "tabulate_results.py" else set()), script


def test_what_parses_the_workflow_loads_nothing_heavy():
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").rglob("*.smk"))
    modules = set(re.findall(r"^from (multiprune\.\S+) import", rules, re.MULTILINE))
    assert f"{PACKAGE}.experiment.plan" in modules
    lines = [f"import {', '.join(sorted(modules))}, sys", "print(*sys.modules)"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=SCRIPTS, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "transformers", "pandas", "matplotlib", "scipy"}


def test_no_script_has_the_name_of_an_installed_module():
    """The folder of a script comes first where Python looks for modules."""
    assert not {path.stem for path in SCRIPTS.glob("*.py")} & set(packages_distributions())
