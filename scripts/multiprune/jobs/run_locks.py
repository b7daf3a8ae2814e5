"""Snakemake's locks of a folder, of which each run takes away its own.

Snakemake 9.27.1 removes those of all runs in the folder when one of them ends: from then on a third
run does the jobs of one that goes on, and each takes the other's files away.
"""

import sys
from pathlib import Path
from typing import Any


def keep_locks_of_others() -> None:
    """From now on this process removes the locks of its own run alone; with `--unlock` all."""
    from snakemake.persistence.file import FilePersistence  # here, since jobs have no Snakemake

    if "--unlock" not in sys.argv:
        FilePersistence._delete_locks = _delete_own


def _delete_own(persistence: Any) -> None:
    for path in persistence._lockfile.values():
        Path(path).unlink(missing_ok=True)
    persistence._lockfile.clear()
