"""The tables of languages and writing systems, built again as `make languages` does, with npm."""

import subprocess
import sys
from pathlib import Path

from patience import patience

ROOT = Path(__file__).parents[2]


def test_the_committed_tables_are_what_their_sources_make(tmp_path):
    output = tmp_path / "languages.csv"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "build_language_table.py", "--output", output],
        capture_output=True,
        text=True,
        timeout=patience(900),
        check=False,
    )
    assert done.returncode == 0, f"the table cannot be built: {done.stderr}"
    for name in ("languages.csv", "writing_systems.csv"):
        committed = (ROOT / "config" / name).read_bytes()
        assert output.with_name(name).read_bytes() == committed, f"{name} is stale: make languages"
