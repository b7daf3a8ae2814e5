"""Locks between processes: who holds one, who waits, and what is left behind."""

import errno
import os
import platform
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.files import locks as file_locks
from multiprune.files.locks import locked
from multiprune.files.manifests import MANIFEST, fill_folder

SCRIPTS = Path(__file__).parents[3] / "scripts"
NO_FLOCK = """
import errno, fcntl, os, sys
def refuse(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = refuse
"""
HOLDER = """
import sys
from multiprune.files.locks import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["", NO_FLOCK], ids=["flock", "without"])
def flock(request, monkeypatch) -> str:
    """Beginning of a program under a file system that locks files, and under one that refuses."""
    if request.param:

        def refuse(*_arguments):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

        monkeypatch.setattr(file_locks.fcntl, "flock", refuse)
    return request.param


@pytest.fixture
def holder(tmp_path, flock):
    """A process that holds the lock `tmp_path/lock` until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", flock + HOLDER, tmp_path / "lock"],
        cwd=SCRIPTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_is_waited_for_and_free_after_a_kill(holder, tmp_path, capsys):
    timer = threading.Timer(0.2, lambda: (holder.kill(), holder.wait()))
    timer.start()
    with locked(tmp_path / "lock"):
        assert holder.wait() < 0
    assert ": is held by another run; waiting for it" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_lock_whose_file_its_holder_removes_is_taken_on_the_new_file(tmp_path, monkeypatch):
    """Between opening the file and locking it the former holder removes it."""
    flock, calls = file_locks.fcntl.flock, []

    def late(file, operation):
        if not calls:
            (tmp_path / "lock").unlink()
        calls.append(operation)
        return flock(file, operation)

    monkeypatch.setattr(file_locks.fcntl, "flock", late)
    with locked(tmp_path / "lock"):
        assert len(calls) == 2
        assert (tmp_path / "lock").exists()
    assert list(tmp_path.iterdir()) == []


def held_at_once(lock: Path, threads: int, rounds: int) -> list[int]:
    """How many of some threads are inside, told by each at each of its rounds."""
    inside, counts = [], []

    def work():
        for _ in range(rounds):
            with locked(lock):
                inside.append(1)
                counts.append(len(inside))
                inside.pop()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counts


def test_two_threads_are_never_inside_at_once(tmp_path, flock, monkeypatch):
    monkeypatch.setattr(file_locks, "PAUSE", 0.001)
    assert held_at_once(tmp_path / "lock", threads=4, rounds=50) == [1] * 200


@pytest.mark.parametrize("refusal", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_each_refusal_of_a_file_system_leads_to_a_file(tmp_path, monkeypatch, refusal):
    """What flock says on Lustre without it, on NFS without a lock daemon, and elsewhere."""

    def refuse(*_arguments):
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(file_locks.fcntl, "flock", refuse)
    with locked(tmp_path / "lock"):
        assert (tmp_path / "lock.owner").read_text().endswith(platform.node())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flock", [NO_FLOCK], indirect=True)
def test_who_waits_takes_over_once_from_one_that_is_gone(tmp_path, flock, monkeypatch):
    """Several find what a killed run left: one removes it, and none what another has made since."""
    monkeypatch.setattr(file_locks, "PAUSE", 0.001)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for _ in range(20):
        for name in ("lock.owner", "lock.owner.taking"):
            (tmp_path / name).write_text(f"process {gone.pid} on {platform.node()}")
        assert held_at_once(tmp_path / "lock", threads=8, rounds=1) == [1] * 8


@pytest.mark.parametrize("flock", [NO_FLOCK], indirect=True)
def test_a_lock_of_another_machine_is_waited_for(tmp_path, flock, capsys):
    owner = tmp_path / "lock.owner"
    owner.write_text("process 1 on another")
    threading.Timer(0.5, owner.unlink).start()
    with locked(tmp_path / "lock"):
        assert owner.read_text().endswith(platform.node())
    [line] = capsys.readouterr().err.splitlines()
    assert line == (
        f"{owner}: is held by another run; waiting for it (process 1 on another; remove the file "
        "if that has ended)"
    )


@pytest.mark.parametrize("flock", [NO_FLOCK], indirect=True)
def test_where_no_file_can_be_made_either_one_line_says_so(tmp_path, flock, monkeypatch):
    opened = os.open

    def refuse(path, flags, *arguments):
        if flags & os.O_EXCL:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, flags, *arguments)

    monkeypatch.setattr(file_locks.os, "open", refuse)
    expected = r"lock\.owner: no lock can be had here \(Read-only file system\); is the folder on"
    with pytest.raises(InputError, match=expected), locked(tmp_path / "lock"):
        raise AssertionError("not locked")


def test_a_folder_is_filled_by_one_and_found_by_the_other(tmp_path):
    """The second finds the first one's folder whole, not half-filled or removed under it."""
    manifest, entered, go_on = tmp_path / "m" / MANIFEST, threading.Event(), threading.Event()

    def first(folder):
        (folder / "a").write_text("first")
        entered.set()
        go_on.wait(10)
        return {}

    def second(folder):
        raise AssertionError("filled twice")

    found = []

    def run(fill):
        found.append(fill_folder(manifest, {"kind": "x"}, fill, {}))

    threads = [threading.Thread(target=run, args=[fill]) for fill in (first, second)]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    assert not found
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [entry["files"].keys() for entry in found] == [{"a"}, {"a"}]
    assert (tmp_path / "m/a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_lock_that_another_user_left_is_no_obstacle():
    """Needs root, as CI is, to become another user."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        lock = Path(folder, "lock")
        lock.touch(mode=0o644)
        if (child := os.fork()) == 0:
            try:
                os.setgid(65534)
                os.setuid(65534)
                with locked(lock):
                    os._exit(0)
            finally:
                os._exit(1)
        _child, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
