"""Every script starts under the settings of Python that a user's shell may hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import patience

SCRIPTS = Path(__file__).parents[2] / "scripts"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py"))
# In one process, since most of the time goes into importing torch.
HELP = """\
import contextlib, importlib, io, sys
sys.path.insert(0, {scripts!r})
for name in {names!r}:
    sys.argv = [name, "--help"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(name).main()
    assert printed.getvalue().startswith("usage: "), name
    print(name)
"""


@pytest.mark.slow
def test_without_docstrings_and_assertions():
    done = subprocess.run(
        [sys.executable, "-c", HELP.format(scripts=str(SCRIPTS), names=NAMES)],
        env=os.environ | {"PYTHONOPTIMIZE": "2"},
        capture_output=True,
        text=True,
        timeout=patience(300),
    )
    assert done.stdout.split() == NAMES, done.stderr
