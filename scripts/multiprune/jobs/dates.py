"""Dates of a user's own files: one in the future would end every job that reads it.

Snakemake takes an output that is older than its input for a fault of the clocks.
"""

import os
import time
from collections.abc import Iterable
from datetime import datetime

from multiprune.errors import InputError

TOLERANCE = 1  # seconds that clocks of one machine and its file server may differ


def check_dates(paths: Iterable[str]) -> None:
    """Raise InputError for the first file that is dated in the future."""
    for path in paths:
        moment = os.stat(path).st_mtime if os.path.exists(path) else 0
        if moment > time.time() + TOLERANCE:
            dated = datetime.fromtimestamp(moment).isoformat(" ", "seconds")
            raise InputError(
                f"{path}: is dated in the future ({dated}), which no job can be newer than; "
                f"touch it, and run the same command again"
            )
