"""A mistake in a config is one line, and ends the real command before any job and any file.

Both ask the same functions of the library. `check_config` is asked of all mistakes, in the process
of the tests; the command, which takes seconds to start, of every sixth and of all its own options.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest
from patience import patience
from script_calls import call, refusal
from workflow.running import ROOT, Outcome, Workflow

from refusals.bad_config_files import OVERLAYS, UNREADABLE
from refusals.bad_configs import DEMO, bad_configs

pytestmark = pytest.mark.slow
AT_A_TIME = 2
CASES = bad_configs()
SHIPPED = [
    path
    for path in sorted((ROOT / "config").glob("*.yaml"))
    if "\nexperiment: " in path.read_text(encoding="utf-8")
]
TYPED = [
    name for place, name in enumerate(CASES) if place % 6 == 0 or CASES[name].arguments
]  # as a user types the command
# Should a config be accepted after all, its first downloads fail, and no job of hours starts.
OFFLINE = {"PIP_NO_INDEX": "1", "npm_config_cache": os.devnull, "npm_config_offline": "true"}
# Snakemake catches no other faults of a file than those of YAML's grammar.
ENDS_IN_TRACEBACK = {"Latin-1", "an alias of itself", "no such day", "a number of 5,000 digits"}


@dataclass
class Refusal:
    """How the command ended, and which files are there since, are gone, or were written to."""

    outcome: Outcome
    changed: set[str]

    @property
    def line(self) -> str:
        """The one line that was printed."""
        lines = [line for line in self.outcome.text.splitlines() if line.strip()]
        assert len(lines) == 1, self.outcome.text
        return lines[0]


class Refuser:
    """Runs commands that are refused, each in a folder that no other one uses meanwhile.

    None of them changes its folder, so a few folders serve them all.
    """

    def __init__(self, workflows: list[Workflow], given: Path):
        self.given = given
        self._free: SimpleQueue[Workflow] = SimpleQueue()
        for workflow in workflows:
            self._free.put(workflow)

    def snakemake(self, name: str, files: list[bytes], arguments: tuple[str, ...] = ()) -> Refusal:
        """The command that users type, with these config files."""
        given = ["--configfile", *self.write(name, files), *arguments]
        return self.watched(
            lambda workflow: workflow.run_forked(*given, config=False, environment=OFFLINE)
        )

    def check(self, name: str, files: list[bytes]) -> Refusal:
        """scripts/check_config.py with the same files."""
        paths = self.write(f"{name}, checked", files)
        return self.watched(lambda workflow: check_config(workflow, paths))

    def write(self, name: str, files: list[bytes]) -> list[str]:
        """Paths of the config files, which lie outside the workflow's folder."""
        folder = self.given / name.replace("/", "-")
        folder.mkdir(exist_ok=True)
        paths = [folder / f"{position}.yaml" for position in range(len(files))]
        for path, content in zip(paths, files, strict=True):
            path.write_bytes(content)
        return [str(path) for path in paths]

    def watched(self, command: Callable[[Workflow], Outcome]) -> Refusal:
        """What a command does in a folder."""
        workflow = self._free.get()
        try:
            before = state(workflow.folder)
            outcome = command(workflow)
            changed = {path for path, _size, _time in before ^ state(workflow.folder)}
            return Refusal(outcome, changed)
        finally:
            self._free.put(workflow)


def state(folder: Path) -> set[tuple[str, int, int]]:
    """Path, size and time of everything in a folder but what Snakemake keeps for itself."""
    found = {(path, path.lstat()) for path in folder.rglob("*")}
    return {
        (path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns)
        for path, stat in found
        if path.relative_to(folder).parts[0] != ".snakemake"
    }


def check_config(workflow: Workflow, files: list[str]) -> Outcome:
    """What scripts/check_config.py says of config files."""
    command = [sys.executable, "scripts/check_config.py", *files]
    done = subprocess.run(
        command,
        cwd=workflow.folder,
        capture_output=True,
        text=True,
        timeout=patience(1200),
        check=False,
    )
    return Outcome(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def refuser(snapshot: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Refuser:
    """Two folders with the workflow, in which the demo's own config has been found good."""
    workflows = []
    for number in range(AT_A_TIME):
        workflow = snapshot.copy(tmp_path_factory.mktemp("refusing") / str(number))
        (workflow.folder / "good.yaml").write_text(DEMO, encoding="utf-8")
        good = workflow.run("--dry-run", "--configfile", "good.yaml", config=False)
        assert good.code == 0, good.text
        checked = check_config(workflow, ["good.yaml"])
        assert checked.code == 0, checked.text
        workflows.append(workflow)
    return Refuser(workflows, tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="module")
def refusals(
    refuser: Refuser, request: pytest.FixtureRequest
) -> Iterator[dict[tuple[str, str], Future[Refusal]]]:
    """Of every case that a selected test asks for, how it ends, by command and name."""
    pool = ThreadPoolExecutor(AT_A_TIME)
    started = {}
    for item in request.session.items:
        if item.path != request.path or "refusals" not in item.fixturenames:
            continue
        name = item.callspec.params["name"]
        if name in CASES:
            case = CASES[name]
            started["snakemake", name] = pool.submit(
                refuser.snakemake, name, case.files, case.arguments
            )
        else:
            for command in (refuser.snakemake, refuser.check):
                files = [UNREADABLE[name][0]]
                started[command.__name__, name] = pool.submit(command, name, files)
    yield started
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", [name for name in CASES if not CASES[name].arguments])
def test_a_mistake_is_one_line(name: str, tmp_path: Path):
    files = [tmp_path / f"{place}.yaml" for place in range(len(CASES[name].files))]
    for path, content in zip(files, CASES[name].files, strict=True):
        path.write_bytes(content)
    line = refusal("check_config", *files)
    assert [part for part in CASES[name].parts if part not in line] == [], line


@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_is_accepted(config: Path):
    assert call("check_config", config) == (0, [])


@pytest.mark.parametrize("name", TYPED)
def test_the_command_ends_with_it_before_any_job_and_no_file(refusals: dict, name: str):
    refusal = refusals["snakemake", name].result()
    assert refusal.outcome.code != 0
    assert refusal.line.startswith("error in the config: ")
    assert [part for part in CASES[name].parts if part not in refusal.line] == [], refusal.line
    assert refusal.changed == set()


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_snakemake_cannot_read(refusals: dict, name: str):
    snakemake = refusals["snakemake", name].result()
    assert snakemake.outcome.code != 0
    assert ("Traceback" in snakemake.outcome.text) == (name in ENDS_IN_TRACEBACK)
    assert snakemake.changed == set()
    checked = refusals["check", name].result()
    assert checked.outcome.code == 1
    assert checked.line.startswith("error: ")
    assert [part for part in UNREADABLE[name][1] if part not in checked.line] == [], checked.line
    assert checked.changed == set()


@pytest.mark.parametrize(
    ("path", "said"),
    [("nowhere.yaml", "No such file or directory"), ("config", "Is a directory")],
)
def test_a_config_file_that_is_none(refuser: Refuser, path: str, said: str):
    """Snakemake opens the file before it reads the workflow, and its traceback ends with why."""
    snakemake = refuser.watched(lambda flow: flow.run("--configfile", path, config=False))
    assert snakemake.outcome.code != 0
    assert said in snakemake.outcome.text.strip().splitlines()[-1]
    checked = refuser.watched(lambda flow: check_config(flow, [path]))
    assert checked.outcome.code == 1
    assert checked.line == f"error: {path}: {said}; allowed is a YAML file"
    assert snakemake.changed | checked.changed == set()


def test_check_config_reads_overlays_as_snakemake_does(refuser: Refuser):
    demo = DEMO.encode()
    overlay, parts = OVERLAYS["a corpus of another kind"]
    bad = refuser.check("bad overlay", [demo, overlay.encode()])
    assert all(part in bad.line for part in parts)
    good = refuser.check("good overlay", [demo, b"seeds: [0, 1]\nsparsities: [0.5, 0.6]"])
    assert good.outcome.code == 0
    assert good.line == "ok: 1 model, 8 languages, 47 runs"
