"""What a failed job says of itself, from its log."""

from collections.abc import Iterable
from pathlib import Path

from multiprune.jobs.command import ENVIRONMENT

ERROR = "error: "
TRACEBACK = "Traceback "
NO_ERROR = "its log names no error, perhaps it was killed; the last line: "
MOST = 500  # characters of a line
TAIL = 20_000  # bytes at the end of a log, which can be long


def reason(logs: Iterable[str]) -> str:
    """The last `error:` line of a job's logs, or what a traceback ends with; empty without a line.

    A job that is killed, or whose files another run took away, says nothing of it: then its last
    line stands there as what it did last.
    """
    lines = [
        line
        for log in logs
        for line in _end(Path(log))
        if line.strip() and not line.startswith(ENVIRONMENT)
    ]
    own = [line.removeprefix(ERROR) for line in lines if line.startswith(ERROR)]
    last = (own or lines or [""])[-1].strip()
    if last and not own and not any(line.startswith(TRACEBACK) for line in lines):
        last = f"{NO_ERROR}{last}"
    return last if len(last) <= MOST else f"{last[:MOST]}..."


def _end(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            return file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
