"""How long tests wait for what comes within seconds: a guard against hanging and no measurement.

A machine that is slow or busy sets TEST_PATIENCE=5 to wait five times as long.
"""

import os

FACTOR = float(os.environ.get("TEST_PATIENCE", "1"))


def patience(seconds: float) -> float:
    """Seconds to wait, several times what a slow machine was seen to need."""
    return seconds * FACTOR
