"""Where a table or a figure comes from: code, versions, seeds and the hash of every file read.

Masks, statistics and records hold this themselves. Beside a table, and beside what is written
from the table of claims, stands a hidden `.{name}.origin.json`; a figure holds the same as text of
its PNG and PDF.
"""

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from multiprune.files.hashes import sha256_file
from multiprune.jobs.code_digest import code_digest

TABLE_PACKAGES = ("numpy", "pandas", "scipy")


def origin(
    script: Path | str,
    inputs: Iterable[Path],
    seeds: Iterable[int],
    packages: Iterable[str] = TABLE_PACKAGES,
    named: Iterable[str] = (),
) -> dict:
    """What something is made of; `inputs` of `noting_inputs`, `named` as in `code_digest`."""
    return {
        "code": code_digest(script, named),
        "inputs": {str(path): sha256_file(path) for path in sorted(inputs)},
        "seeds": sorted(seeds),
        "versions": {name: version(name) for name in packages},
    }


def as_text(content: dict) -> str:
    """An origin as one line of ASCII, as the metadata of a figure takes it."""
    return json.dumps(content, sort_keys=True)
