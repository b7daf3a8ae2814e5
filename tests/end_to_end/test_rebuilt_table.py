"""The table of languages, built again as `make languages` does, from what npm downloads."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_committed_table_is_what_its_sources_make(tmp_path):
    output = tmp_path / "languages.csv"
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "build_language_table.py", "--output", output],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"the table cannot be built: {done.stderr}"
    committed = (ROOT / "config" / "languages.csv").read_bytes()
    assert output.read_bytes() == committed, "config/languages.csv is stale: make languages"
