"""Time, peak memory and download of a command with all processes that it starts.

    python benchmarks/whole_run.py make demo

Memory is the proportional set size: a page that several processes map counts once. Bytes are those
that all network devices but the loopback received.
"""

import subprocess
import sys
import time
from pathlib import Path

import psutil

SECONDS = 0.5  # between two looks


def tree_memory(process: psutil.Process) -> int:
    """Bytes of a process and its descendants, those that end while they are looked at left out."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError):
            continue
    return total


def received() -> int:
    """Bytes that came over the network since the machine has started."""
    lines = Path("/proc/net/dev").read_text(encoding="utf-8").splitlines()[2:]
    devices = (line.split(":") for line in lines)
    return sum(int(counts.split()[0]) for name, counts in devices if name.strip() != "lo")


def main() -> None:
    """Run the command and print what it took; exit with its code."""
    if not (command := sys.argv[1:]):
        sys.exit("error: a command is missing, such as make demo")
    before, start, peak = received(), time.monotonic(), 0
    process = psutil.Popen(command)
    try:
        while process.poll() is None:
            peak = max(peak, tree_memory(process))
            time.sleep(SECONDS)
    except psutil.NoSuchProcess:  # ended between two looks
        pass
    except KeyboardInterrupt:
        process.wait()
    code = process.wait()
    seconds = time.monotonic() - start
    downloaded = received() - before
    print(
        f"{subprocess.list2cmdline(command)}: {seconds / 60:.1f} minutes, peak "
        f"{peak / 1e9:.2f} GB over all processes, {downloaded / 1e6:.0f} MB received"
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
