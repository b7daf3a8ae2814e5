"""Every dependency is pinned to one version, direct or not, wherever it is installed from."""

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
INSTALLED = ("requirements.txt", "requirements-dev.txt", "requirements-lock.txt")
ENVIRONMENTS = sorted(path.name for path in (ROOT / "envs").glob("*.yaml"))


def lines_of(name: str) -> list[str]:
    """Requirements in a file, without comments and options."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("-")]


def pinned(line: str) -> bool:
    """Whether a requirement allows exactly one version."""
    specifiers = list(Requirement(line).specifier)
    return (
        len(specifiers) == 1
        and specifiers[0].operator == "=="
        and "*" not in specifiers[0].version
    )  # fmt: skip


@pytest.mark.parametrize("name", INSTALLED)
def test_requirements_are_pinned(name: str):
    lines = lines_of(name)
    assert lines
    assert [line for line in lines if not pinned(line)] == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_are_pinned(name: str):
    dependencies = yaml.safe_load((ROOT / "envs" / name).read_text())["dependencies"]
    assert [line for line in dependencies[-1]["pip"] if not pinned(line)] == []


def test_what_the_makefile_and_ci_install_is_pinned():
    for name in ("Makefile", ".ci/run"):
        text = (ROOT / name).read_text()
        for arguments in re.findall(r"pip install (.*)", text):
            words = [w for w in arguments.split() if not w.startswith(("-", "on", "$("))]
            names = [word for word in words if not word.startswith("requirements")]
            assert [word for word in names if not pinned(word)] == [], name
    named = re.findall(r"^(NODE|PIP) := (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [name for name, line in named if pinned(line)] == ["NODE", "PIP"]


def test_the_lock_names_all_that_the_requirements_bring():
    lock = {canonicalize_name(Requirement(line).name) for line in lines_of("requirements-lock.txt")}
    waiting, seen = lines_of("requirements.txt"), set()
    assert "-c requirements-lock.txt" in (ROOT / "requirements.txt").read_text()
    while waiting:
        requirement = Requirement(waiting.pop())
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        for line in requires(requirement.name) or []:
            brought = Requirement(line)
            extras = requirement.extras or {""}
            marker = brought.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(line)
    assert len(seen) > 60
    assert sorted({name for name, _ in seen} - lock) == []


@pytest.mark.parametrize("line", ["torch", "torch>=2", "torch==2.*", "torch==2,!=2.1"])
def test_what_is_not_pinned(line: str):
    assert not pinned(line)
