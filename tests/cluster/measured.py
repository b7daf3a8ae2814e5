"""Run a command on two cores and write what it took: `python measured.py REPORT COMMAND...`.

A process of its own, since Linux counts the memory of the process that starts a command as the
command's: measured from a process that holds a model, anything would seem to need gigabytes.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

CORES = 2
PATIENCE = 600  # seconds


def main(report: str, command: list[str]) -> int:
    """Exit code of the command; the report holds its seconds and its largest process in GiB."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    start = time.monotonic()
    code = subprocess.run(command, timeout=PATIENCE, check=False).returncode
    seconds = time.monotonic() - start
    kibibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    Path(report).write_text(json.dumps({"seconds": seconds, "gibibytes": kibibytes / 2**20}))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
