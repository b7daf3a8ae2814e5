"""One call of Snakemake whose processes can be watched and killed, and the jobs that it ran.

Processes are found in /proc by the session that the call was started in, so that nothing else on
the machine is ever touched.
"""

import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from patience import patience
from workflow.interruption import PATIENCE
from workflow.running import RULE, clean_environment

LONGEST = patience(1200)  # seconds of a whole call on a busy machine; about 40 on a quiet one
TICKS = os.sysconf("SC_CLK_TCK")  # of processor time in a second
FINISHED = re.compile(r"^Finished jobid: (\d+) ")
SCRIPT = re.compile(r"^scripts/(\w+)\.py$")


class Missed(Exception):
    """The fault came too late to hit anything: it has to be tried again."""


class Impossible(Exception):
    """This machine cannot do what the fault takes."""


@dataclass(frozen=True)
class Script:
    """A script of a running job: its process, its name, and its seconds of processor time."""

    pid: int
    name: str
    seconds: float


@dataclass(frozen=True)
class Moment:
    """When the n-th script has used a share of the time that it usually takes, or has ended."""

    number: int
    share: float

    def __str__(self) -> str:
        return f"script {self.number} at {self.share:.0%}"


@dataclass(frozen=True)
class Ran:
    """How a call ended, all it printed, and its jobs as `Workflow.jobs` names them."""

    code: int
    text: str
    started: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)


class Call:
    """A running call of Snakemake."""

    def __init__(
        self, command: list[str], folder: Path, changed: Mapping[str, str | None] | None = None
    ):
        """Start it; `changed` are variables of its environment, those that go as None."""
        variables = clean_environment() | {"OMP_NUM_THREADS": "1"} | dict(changed or {})
        self._log = folder / "call.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={key: value for key, value in variables.items() if value is not None},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.longest: dict[int, Script] = {}  # every script seen, as it was seen last

    def scripts(self) -> list[Script]:
        """The scripts that run now, the one that started first at the front."""
        alive = sorted(filter(None, map(script_of, self._processes())), key=lambda one: one.pid)
        self.longest |= {script.pid: script for script in alive}
        return alive

    def wait_for(self, moment: Moment, usual: dict[str, float]) -> None:
        """Return at the moment; `usual` gives the seconds that a script takes, by its name."""

        def reached() -> bool:
            alive = {script.pid: script for script in self.scripts()}
            if len(self.longest) < moment.number:
                return False
            script = list(self.longest.values())[moment.number - 1]
            return script.pid not in alive or script.seconds >= moment.share * usual[script.name]

        self._until(reached)

    def wait_for_script(self, name: str = "") -> Script:
        """The newest script that runs now, or the next one; of one name, if that is given."""
        found: list[Script] = []

        def running() -> bool:
            found.extend(script for script in self.scripts() if name in ("", script.name))
            return bool(found)

        self._until(running)
        return found[-1]

    def kill_snakemake(self) -> None:
        """SIGKILL for Snakemake alone; scripts that run go on."""
        if self._process.poll() is not None:
            raise Missed("Snakemake had ended")
        self._process.kill()
        self._process.wait()

    def hang_up(self) -> None:
        """SIGHUP for all processes of the call, as when its terminal is closed."""
        if self._process.poll() is not None:
            raise Missed("Snakemake had ended")
        os.killpg(self._process.pid, signal.SIGHUP)

    def kill_script(self) -> str:
        """SIGKILL for one script alone; returns its name."""
        script = self.wait_for_script()
        with suppress(ProcessLookupError):
            os.kill(script.pid, signal.SIGKILL)
        return script.name

    def fill_disk(self, name: str, most_bytes: int) -> None:
        """Let the first script of this name write no file beyond a size, as on a full disk."""
        limits = (most_bytes, most_bytes)
        resource.prlimit(self.wait_for_script(name).pid, resource.RLIMIT_FSIZE, limits)

    def kill_all(self) -> None:
        """SIGKILL for whatever still runs of this call, and wait until it has gone."""
        while pids := list(self._processes()):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()

    def outlast(self) -> None:
        """Wait until the scripts that Snakemake's end has orphaned have ended by themselves."""
        deadline = time.monotonic() + PATIENCE
        while self.scripts():
            if time.monotonic() > deadline:
                raise AssertionError(f"an orphaned script still runs after {PATIENCE} s")
            self._pause()

    def end(self) -> Ran:
        """Wait for the end of Snakemake; nothing of it is left where the wait is broken off."""
        deadline = time.monotonic() + LONGEST
        try:
            while self._process.poll() is None:
                assert time.monotonic() < deadline, f"Snakemake still runs after {LONGEST} s"
                self.scripts()
                self._pause()
        except BaseException:
            self.kill_all()
            raise
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return Ran(self._process.returncode, text, *jobs_in(text))

    def _until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            if self._process.poll() is not None:
                raise Missed("Snakemake had ended")
            if time.monotonic() > deadline:
                raise AssertionError(f"what was waited for did not come within {PATIENCE} s")
            self._pause()

    def _pause(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0.05)

    def _processes(self) -> Iterator[int]:
        """Processes of this call's session that have not ended."""
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (fields := status(int(entry))):
                state, session = fields[0], int(fields[3])
                if session == self._process.pid and state != "Z":
                    yield int(entry)


def status(pid: int) -> list[str] | None:
    """What the kernel says of a process, from its state on; None where it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def script_of(pid: int) -> Script | None:
    """The script that a process runs, if it runs one."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError, UnicodeDecodeError):
        return None
    fields = status(pid)
    match = SCRIPT.match(arguments[1]) if len(arguments) > 1 else None
    if not match or not fields:
        return None
    return Script(pid, match[1], (int(fields[11]) + int(fields[12])) / TICKS)


def jobs_in(text: str) -> tuple[set[str], set[str]]:
    """The jobs that a call has started and those that it has finished, from what it printed."""
    names: dict[str, list[str]] = {}
    current: list[str] = []
    finished = set()
    for line in text.splitlines():
        if match := RULE.match(line):
            current = [match[1]]
        elif line.startswith("    jobid: "):
            names.setdefault(line.removeprefix("    jobid: "), current)  # errors name it again
        elif line.startswith("    wildcards: "):
            pairs = line.removeprefix("    wildcards: ").split(", ")
            current += [pair.split("=", 1)[1] for pair in pairs]
        elif match := FINISHED.match(line):
            finished.add(match[1])
    started = {" ".join(name) for name in names.values()}
    return started, {" ".join(names[number]) for number in finished}
