"""Programs that a page tells the reader to run start as they are written there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from patience import patience
from workflow.running import ROOT, clean_environment

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "config/README.md"]
NAMED = re.compile(r"python ((?:scripts|benchmarks)/\w+\.py)")
PROGRAMS = sorted({name for page in PAGES for name in NAMED.findall(page.read_text("utf-8"))})


def test_pages_name_programs():
    assert {"benchmarks/ties.py", "scripts/check_config.py"} <= set(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_finds_the_library_and_says_what_it_takes(program: str, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, ROOT / program, "--help"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=patience(300),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")
