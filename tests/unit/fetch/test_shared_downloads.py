"""Downloads that two users share: a folder of their group and umask 002 (docs/cluster.md)."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from script_calls import call

OTHER = 65534  # a user and a group that are not those of the tests


def out_of_reach() -> bool:
    """The repository lies in a folder that other users may not enter, such as root's home."""
    return not all(folder.stat().st_mode & 0o001 for folder in Path(__file__).resolve().parents)


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
    pytest.mark.skipif(out_of_reach(), reason="another user cannot enter this repository's folder"),
]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        for name in ("a", "b"):
            (path / f"{name}.txt").write_text("\n\n".join(f"{name} {i}" for i in range(40)))
        (path / "resources").mkdir()
        yield path


def fetching(shared: Path, text: str, clone: str) -> list:
    definition = {"corpus": {"kind": "text", "folder": str(shared)}, "text": text}
    options = ["--definition", json.dumps(definition), "--lock", shared / clone / "lock.yaml"]
    folder = shared / "resources/corpora/own" / text
    return [*options, "--manifest", folder / "manifest.json", "--source", shared / f"{text}.txt"]


def as_other(action: Callable[[], None], umask: int) -> None:
    """Run as another user, in the group of the shared folder, in a process of its own."""
    if (child := os.fork()) == 0:
        try:
            os.umask(umask)
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            action()
            os._exit(0)
        finally:
            os._exit(1)
    _child, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def clone_of_other(shared: Path) -> None:
    (shared / "other").mkdir()
    os.chown(shared / "other", OTHER, OTHER)


def fetch(shared: Path, text: str, clone: str) -> None:
    code, lines = call("fetch_corpus", *fetching(shared, text, clone))
    assert code == 0, lines


def test_users_of_a_group_share_downloads(shared):
    os.chown(shared / "resources", 0, OTHER)
    (shared / "resources").chmod(0o2775)
    clone_of_other(shared)
    former = os.umask(0o002)
    try:
        fetch(shared, "a", "mine")
    finally:
        os.umask(former)

    def both() -> None:
        fetch(shared, "a", "other")  # which is there
        fetch(shared, "b", "other")  # which is new

    as_other(both, 0o002)
    fetch(shared, "b", "mine")
    for path in (shared / "resources").rglob("*"):
        assert path.stat().st_gid == OTHER
        assert path.stat().st_mode & 0o060 == 0o060, path


def test_what_another_user_may_only_read_is_read(shared):
    fetch(shared, "a", "mine")
    clone_of_other(shared)

    def only_reading() -> None:
        fetch(shared, "a", "other")
        code, lines = call("fetch_corpus", *fetching(shared, "b", "other"))
        assert code == 1
        assert lines[-1].startswith(f"error: {shared}/resources/corpora/own/")
        assert lines[-1].endswith(": Permission denied")

    as_other(only_reading, 0o022)
