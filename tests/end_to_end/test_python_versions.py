"""What the pinned versions resolve to under other versions of Python, as pip's dry run says it."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from patience import patience

ROOT = Path(__file__).parents[2]
OLDEST = (3, 11)
OTHERS = [version for version in ("3.12", "3.13") if version != "{}.{}".format(*sys.version_info)]
OF_THE_BUILD = ("cuda-", "nvidia-", "triton")  # what torch brings differs by machine: not pinned
UNREACHABLE = ("NewConnectionError", "NameResolutionError", "ProxyError")


@pytest.mark.parametrize("version", OTHERS)
def test_every_pin_has_a_file_and_they_fit_each_other(tmp_path, version):
    found = dry_run(tmp_path / "report.json", version)
    pins = {canonicalize_name(entry["name"]): entry["version"] for entry in found}
    assert len(pins) > 100
    missing = []
    for entry in found:
        for line in entry.get("requires_dist", ()):
            needed = Requirement(line)
            name = canonicalize_name(needed.name)
            environment = {"python_version": version, "python_full_version": version, "extra": ""}
            if needed.marker and not needed.marker.evaluate(environment):
                continue
            fits = name in pins and needed.specifier.contains(pins[name], prereleases=True)
            if not fits and not name.startswith(OF_THE_BUILD):
                missing.append(f"{entry['name']} needs {line}, pinned is {pins.get(name)}")
    assert missing == []


def dry_run(report: Path, version: str) -> list[dict]:
    """Metadata of all that the lock names, for a version of Python; nothing is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
         "--no-deps", "--python-version", version, "--target", str(report.with_suffix("")),
         "--report", str(report), "--requirement", str(ROOT / "requirements-lock.txt")],
        stderr=subprocess.PIPE, text=True, timeout=patience(300), check=False,
    )  # fmt: skip
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip("no package index answers")
    assert done.returncode == 0, done.stderr
    return [entry["metadata"] for entry in json.loads(report.read_text())["install"]]


def test_the_code_is_written_for_the_oldest_version():
    """Of its grammar: what it imports is what the tests of that version show."""
    files = [*ROOT.glob("scripts/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("docs/*.py")]
    assert len(files) > 200
    for path in files:
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=OLDEST)
    assert 'requires-python = ">={}.{}"'.format(*OLDEST) in (ROOT / "pyproject.toml").read_text()
