"""Locks between processes: who holds one, who waits, and what is left behind."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from multiprune.files import locks as file_locks
from multiprune.files.locks import FetchTurns, FileLock, locked
from multiprune.files.manifests import described_folder

SCRIPTS = Path(__file__).parents[3] / "scripts"
HOLDER = """
import sys
from multiprune.files.locks import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock `tmp_path/lock` until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "lock"],
        cwd=SCRIPTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_is_held_by_one_and_free_after_a_kill(holder, tmp_path):
    lock = FileLock(tmp_path / "lock")
    assert not lock.acquire(wait=False)
    holder.kill()
    assert lock.acquire(wait=True)
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_whose_file_its_holder_removes_is_taken_on_the_new_file(tmp_path, monkeypatch):
    """Between opening the file and locking it the former holder removes it."""
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.acquire()
    flock, calls = file_locks.fcntl.flock, []

    def late(file, operation):
        if not calls:
            first.release()
        calls.append(operation)
        return flock(file, operation)

    monkeypatch.setattr(file_locks.fcntl, "flock", late)
    assert second.acquire(wait=False)
    assert len(calls) == 2
    assert not FileLock(tmp_path / "lock").acquire(wait=False)


def test_two_threads_are_never_inside_at_once(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(50):
            with locked(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 200


def test_turns_are_taken_for_what_is_missing(tmp_path):
    mine, there = tmp_path / "a/manifest.json", tmp_path / "b/manifest.json"
    there.parent.mkdir()
    there.touch()
    turns = FetchTurns()
    assert turns.take([there, mine]) == [there]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [".a.turn"]
    assert turns.take([mine.with_name("test.jsonl")]) == []  # of the same folder
    turns.end()
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def waiting(turns, path):
    """A thread that takes a turn, and where it puts what came of it."""
    result = []
    thread = threading.Thread(target=lambda: result.append(turns.take([path])))
    thread.start()
    return thread, result


@pytest.mark.parametrize("comes", [True, False], ids=["fetched", "failed"])
def test_the_turn_of_another_run_is_waited_for(tmp_path, monkeypatch, comes):
    """Until the file is there; a run that ends without it leaves the turn to the next."""
    path, looked = tmp_path / "a/manifest.json", threading.Event()
    monkeypatch.setattr(file_locks.time, "sleep", lambda _seconds: looked.set())
    first, second = FetchTurns(), FetchTurns()
    assert first.take([path]) == []
    thread, result = waiting(second, path)
    assert looked.wait(10)
    assert result == []
    if comes:
        path.parent.mkdir()
        path.touch()
    else:
        first.end()
    thread.join(10)
    assert result == [[path] if comes else []]
    first.end()
    second.end()
    assert not list(tmp_path.glob(".*"))


def test_a_folder_is_filled_by_one_at_a_time(tmp_path):
    """The second finds the first one's folder whole, not half-filled or removed under it."""
    manifest, entered, go_on = tmp_path / "m/manifest.json", threading.Event(), threading.Event()
    order = []

    def first():
        with described_folder(manifest, {"kind": "x"}) as (folder, _):
            (folder / "a").write_text("first")
            entered.set()
            go_on.wait(10)
            assert (folder / "a").read_text() == "first"
            order.append("first")

    def second():
        with described_folder(manifest, {"kind": "x"}) as (folder, _):
            order.append("second")
            assert (tmp_path / "m/a").read_text() == "first"
            (folder / "a").write_text("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    assert not order
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]
    assert (tmp_path / "m/a").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
