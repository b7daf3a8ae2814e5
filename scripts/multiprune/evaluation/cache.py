"""Evaluation records kept under the hash of everything they depend on.

A job for one pruned model covers all languages; what it finds here it need not compute. A new
language therefore costs only itself, a killed job keeps what it had finished, and nothing stale can
appear, since a changed mask, text, setting, code or library version has another key.
"""

from collections.abc import Callable
from pathlib import Path

from multiprune.files.hashes import sha256_json
from multiprune.files.json import read_json, write_json


class EvaluationCache:
    """A folder of JSON records, `{key}.json`, which count as long as the code is the same.

    computed_on: the card, if any, which a new record is to name and which is no part of its key.
    """

    def __init__(self, folder: Path | str, code: str, computed_on: dict[str, str] | None = None):
        self._folder, self._code = Path(folder), code
        self._computed_on = {"computed_on": computed_on} if computed_on else {}

    def get_or_compute(self, depends_on: dict, compute: Callable[[], dict]) -> tuple[dict, bool]:
        """The record for these dependencies and whether it was found; computed and kept if not."""
        depends_on = {**depends_on, "code": self._code}
        path = self._folder / f"{sha256_json(depends_on)[:32]}.json"
        if path.is_file():
            kept = read_json(path)
            if kept.get("depends_on") == depends_on:
                return kept["record"], True
        record = compute() | self._computed_on
        write_json(path, {"depends_on": depends_on, "record": record})
        return record, False
