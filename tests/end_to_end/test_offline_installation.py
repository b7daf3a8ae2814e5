"""`make .venv/workflow WHEELS=wheels` without network, with stand-ins for the packages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from patience import patience
from tiny_wheels import write_wheel
from workflow.running import clean_environment

ROOT = Path(__file__).parents[2]
PACKAGES = ("tinypart", "torch", "tinytool")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The Makefile, the script that it calls, and requirements that are made up."""
    shutil.copy2(ROOT / "Makefile", tmp_path)
    shutil.copytree(
        ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "requirements-lock.txt").write_text("tinypart==1.0\n")
    (tmp_path / "requirements.txt").write_text("-c requirements-lock.txt\ntinypart\ntorch==9.0\n")
    return tmp_path


def install(clone: Path) -> subprocess.CompletedProcess:
    """As a laptop does that no network answers; other variables of pip's are not asked."""
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    environment = {k: v for k, v in clean_environment().items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", ".venv/workflow", "WHEELS=wheels", f"PYTHON={sys.executable}",
         "PIP=tinytool==1.0", "NODE=tinytool==1.0"],
        cwd=clone, env=environment | offline, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=patience(120),
    )  # fmt: skip


def test_a_folder_of_wheels_is_all_that_it_needs(clone: Path):
    for name, version in zip(PACKAGES, ("1.0", "9.0", "1.0"), strict=True):
        write_wheel(clone / "wheels", name, version)
    done = install(clone)
    assert done.returncode == 0, done.stdout
    assert "does not answer" not in done.stdout
    assert (clone / ".venv/workflow").is_file()
    listed = subprocess.run(
        [clone / ".venv/bin/python", "-m", "pip", "list", "--format=freeze"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {"tinypart==1.0", "torch==9.0"} <= set(listed.stdout.split())
    (clone / "wheels/torch-9.0-py3-none-any.whl").unlink()
    shutil.rmtree(clone / ".venv")
    done = install(clone)
    assert done.returncode != 0
    assert "No matching distribution found for torch==9.0" in done.stdout
    assert not (clone / ".venv/workflow").exists()
