"""Both recipes of the image install the same, and no version stands in them a second time."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from write_environments import MACHINE

ROOT = Path(__file__).parents[2]
RECIPES = ("Dockerfile", "multiprune.def")
NEEDED = ("Makefile", "requirements-lock.txt", "containers/install.sh")
# In the place of python in an image: keeps how it is called.
PYTHON = '#!/bin/sh\necho "$*" >> calls\n'


def makefile(variable: str) -> str:
    """A variable's value in the Makefile."""
    text = (ROOT / "Makefile").read_text()
    return re.search(rf"^{variable} [:?]= (.*)$", text, re.MULTILINE)[1]


@pytest.fixture
def installed(tmp_path: Path):
    """Run install.sh in a folder with what the recipes copy; how it called python."""
    for name in NEEDED:
        (tmp_path / Path(name).name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(PYTHON)
    (tmp_path / "bin/python").chmod(0o755)

    def run(**variables: str) -> list[str]:
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        environment = {"PATH": path, **variables}
        subprocess.run(["sh", "install.sh"], cwd=tmp_path, env=environment, check=True)
        return (tmp_path / "calls").read_text().splitlines()

    return run


def test_the_lock_is_installed_with_the_pip_and_the_npm_of_the_makefile(installed):
    pip, lock = installed(TORCH_BUILD="", TORCH_INDEX="")
    assert pip == f"-m pip install --no-cache-dir {makefile('PIP')}"
    assert lock == f"-m pip install --no-cache-dir -r requirements-lock.txt {makefile('NODE')}"


@pytest.mark.parametrize("index", ["", "https://mirror.example/whl"])
def test_a_build_of_torch_comes_first_from_the_index_of_the_makefile_or_a_mirror(installed, index):
    _, torch, _ = installed(TORCH_BUILD="cu126", TORCH_INDEX=index)
    pin = re.search(r"^torch==.*$", (ROOT / "requirements-lock.txt").read_text(), re.MULTILINE)[0]
    address = f"{index or makefile('TORCH_INDEX')}/cu126"
    assert torch == f"-m pip install --no-cache-dir --no-deps --index-url {address} {pin}"


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_states_the_python_of_the_environments_and_no_other_version(recipe):
    text = (ROOT / "containers" / recipe).read_text()
    [image] = re.findall(r"^(?:FROM|From:) (.*)$", text, re.MULTILINE)
    assert image == f"python:{MACHINE['python_version']}-slim"
    assert re.findall(r"\d+\.\d+", text.replace(image, "")) == []
    for name in NEEDED:
        assert (ROOT / name).is_file()
        assert re.search(rf"^ *(COPY .*)?{re.escape(name)} ", text, re.MULTILINE), name
    assert re.search(r"^ *(RUN |TORCH_BUILD=.* )sh install\.sh$", text, re.MULTILINE)


def test_no_version_stands_in_the_script():
    assert "==" not in (ROOT / "containers/install.sh").read_text().replace("^torch==", "")
