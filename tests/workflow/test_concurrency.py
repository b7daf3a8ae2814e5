"""Two runs at once: in one folder the second is refused, in two clones both finish."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from faults.obstacles import Impossible, unwritable
from workflow.interruption import kill_group, wait_until
from workflow.running import Workflow
from workflow.twins import Running, Twins, fetch_logs, reorder, share_downloads

from multiprune.files.folders import folder_lock
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import MANIFEST, read_manifest

TEXT = "resources/corpora/words/sw"
SOURCE = "inputs/texts/sw.txt"
LOG = "results/tiny/logs/fetch_corpus/words/sw.log"
MASK = "results/tiny/tiny-llama/seed0/masks/magnitude/0.5.safetensors"
COMPLETE, WAITING = "is complete already", "is held by another run; waiting"
ATTEMPTS = int(os.environ.get("ATTEMPTS", "2"))  # of two clones at the same moment
DOWNLOADS = 4  # a model and the text of three languages


def test_two_clones_work_at_the_same_time(twins: Twins):
    assert twins.at_once
    for outcome in twins.outcomes:
        assert outcome.code == 0, outcome.text
        assert "Traceback" not in outcome.text
        assert "arning" not in outcome.text
    assert twins.few.unfinished() == []
    assert twins.whole.unfinished() == []


def test_what_clones_share_is_fetched_once_and_whole(twins: Twins):
    logs = [*fetch_logs(twins.few), *fetch_logs(twins.whole)]
    assert len(logs) == 2 * DOWNLOADS
    assert sum(COMPLETE in log for log in logs) == DOWNLOADS
    manifests = sorted((twins.few.folder / "resources").rglob(MANIFEST))
    assert len(manifests) == DOWNLOADS
    for manifest in manifests:
        for name, entry in read_manifest(manifest)["files"].items():
            assert sha256_file(manifest.parent / name) == entry["sha256"]
    assert not list((twins.few.folder / "resources").rglob(".*.lock"))


def test_two_clones_make_the_same(twins: Twins, finished: Workflow):
    few, whole = twins.few.files("results/tiny"), twins.whole.files("results/tiny")
    same = ("tables/allocation.csv", "tiny-llama/seed0/masks/", "tiny-llama/seed0/perplexity/")
    shared = [name for name in few if name.startswith(same)]
    assert len(shared) == 1 + 2 * 5 + 3
    assert [name for name in shared if few[name] != whole[name]] == []
    assert [name for name in shared if few[name] != finished.files("results/tiny")[name]] == []


def test_what_one_clone_fetches_makes_nothing_anew_in_the_other(twins: Twins):
    assert twins.whole.jobs() == set()


@pytest.mark.parametrize("attempt", range(ATTEMPTS))
def test_clones_that_start_at_the_same_moment(snapshot: Workflow, tmp_path: Path, attempt: int):
    """They meet at another download each time: the second has them in another order."""
    clones = [
        share_downloads(snapshot.copy(tmp_path / name), tmp_path / "resources")
        for name in ("one", "other")
    ]
    if attempt % 2:
        reorder(clones[1])
    with Running(clones[0], "fetch") as one, Running(clones[1], "fetch") as other:
        outcomes = one.outcome(), other.outcome()
    for outcome in outcomes:
        assert outcome.code == 0, outcome.text
    logs = [log for clone in clones for log in fetch_logs(clone)]
    assert sum(COMPLETE in log for log in logs) == DOWNLOADS == len(logs) / 2
    assert clones[0].unfinished() == []


NO_FLOCK = """
import errno, fcntl, os
def refuse(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = refuse
"""


def test_clones_on_a_file_system_without_flock(snapshot: Workflow, tmp_path: Path):
    """As on Lustre mounted without it: every Python process of both runs is refused to lock."""
    (tmp_path / "refusing").mkdir()
    (tmp_path / "refusing/sitecustomize.py").write_text(NO_FLOCK)
    environment = {"PYTHONPATH": str(tmp_path / "refusing")}
    clones = [
        share_downloads(snapshot.copy(tmp_path / name), tmp_path / "resources")
        for name in ("one", "other")
    ]
    runs = [Running(clone, "fetch", environment=environment) for clone in clones]
    with runs[0], runs[1]:
        for run in runs:
            outcome = run.outcome()
            assert outcome.code == 0, outcome.text
    logs = [log for clone in clones for log in fetch_logs(clone)]
    assert sum(COMPLETE in log for log in logs) == DOWNLOADS == len(logs) / 2
    assert not list((tmp_path / "resources").rglob("*.owner*"))
    assert clones[0].unfinished() == []


@pytest.fixture
def shared(fresh: Workflow, tmp_path: Path) -> Workflow:
    """A clone whose downloads are shared with the test, in the place of another clone."""
    return share_downloads(fresh, tmp_path / "shared")


@contextmanager
def waiting(clone: Workflow, *targets: str) -> Iterator[tuple[Running, Callable[[], None]]]:
    """A run that waits for a text which the test is fetching, and how the test ends that."""
    with Running(clone, *targets) as run, ExitStack() as fetching:
        fetching.enter_context(folder_lock(clone.folder / TEXT))
        log = clone.folder / LOG
        wait_until(lambda: log.exists() and WAITING in log.read_text(), run.process)
        yield run, fetching.close


def fetch_in_its_place(clone: Workflow, finished: Workflow) -> Path:
    """Put the text where the waiting run looks for it, as a whole; returns its manifest."""
    (finished.copy(clone.folder.with_name("copied")).folder / TEXT).rename(clone.folder / TEXT)
    return clone.folder / TEXT / MANIFEST


def test_second_process_in_the_same_folder(shared: Workflow, finished: Workflow):
    """It is refused while the first runs, changes nothing, and the first goes on to its end.

    What the first waited for has come from elsewhere: it is used and not fetched again.
    """
    with waiting(shared, "fetch", MASK) as (run, let_go):
        refused = shared.run("fetch", MASK)
        assert run.runs()
        assert refused.code != 0
        assert "Traceback" not in refused.text
        assert refused.lines_with("Directory cannot be locked")
        assert "--unlock" in refused.text
        assert not re.search(r"^(local)?rule ", refused.text, re.MULTILINE)
        manifest = fetch_in_its_place(shared, finished)
        before = manifest.stat().st_mtime_ns
        let_go()
        outcome = run.outcome()
    assert outcome.code == 0, outcome.text
    assert COMPLETE in (shared.folder / LOG).read_text()
    assert manifest.stat().st_mtime_ns == before
    assert (shared.folder / MASK).read_bytes() == (finished.folder / MASK).read_bytes()


def test_a_clone_goes_on_alone_when_the_other_gives_up(shared: Workflow):
    with waiting(shared, "fetch") as (run, let_go):
        assert not (shared.folder / TEXT).exists()
        let_go()
        outcome = run.outcome()
    assert outcome.code == 0, outcome.text
    assert not any(COMPLETE in log for log in fetch_logs(shared))
    assert (shared.folder / TEXT / MANIFEST).is_file()


def test_another_definition_at_the_same_moment_is_refused(shared: Workflow, finished: Workflow):
    """The clone that comes second fails, and leaves the first one's text alone."""
    with shared.edit_config() as config:
        config["corpora"]["words"]["paragraphs"] = "lines"
    with waiting(shared, "fetch") as (run, let_go):
        folder = fetch_in_its_place(shared, finished).parent
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        let_go()
        outcome = run.outcome()
    assert outcome.code != 0
    assert "give the new definition another key" in (shared.folder / LOG).read_text()
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    again = shared.run("fetch")
    assert again.lines_with("error in the config: ", TEXT, "another key")


def test_a_run_that_is_killed_while_it_fetches(shared: Workflow):
    """Another clone that waits for it goes on alone; so does the same command."""
    source = shared.folder / SOURCE
    text = source.read_text()
    source.unlink()
    os.mkfifo(source)  # so that reading it never ends
    with Running(shared, f".{TEXT}/test.jsonl") as run:
        wait_until((shared.folder / TEXT).with_name(".sw.partial").is_dir, run.process)
        kill_group(run.process)
    source.unlink()
    source.write_text(text)
    assert shared.run("--unlock").code == 0
    outcome = shared.run(f".{TEXT}/test.jsonl")
    assert outcome.code == 0, outcome.text
    assert not any(COMPLETE in log for log in fetch_logs(shared))
    assert shared.unfinished() == []


def test_a_failed_fetch_is_made_good_by_the_same_command(shared: Workflow):
    """What stood there stays for other clones, but does not pass for what was asked for."""
    assert shared.run("fetch").code == 0
    source = shared.folder / SOURCE
    text = source.read_text()
    source.write_text("too short\n")
    for _ in range(2):
        outcome = shared.run("fetch")
        assert outcome.code != 0
        assert "at least 10 are needed" in (shared.folder / LOG).read_text()
        assert "restore" not in outcome.text
    assert (shared.folder / TEXT / MANIFEST).is_file()
    source.write_text(text + "\n\none more paragraph\n")
    assert shared.run("fetch").code == 0
    assert "one more paragraph" in "".join(
        path.read_text() for path in (shared.folder / TEXT).glob("*.jsonl")
    )


def test_downloads_that_are_complete_may_be_read_only(snapshot: Workflow, tmp_path: Path):
    resources = tmp_path / "resources"
    first, second = (
        share_downloads(snapshot.copy(tmp_path / name), resources) for name in ("first", "second")
    )
    assert first.run("fetch").code == 0
    with ExitStack() as stack:
        for folder in [resources, *(path for path in resources.rglob("*") if path.is_dir())]:
            try:
                stack.enter_context(unwritable(folder))
            except Impossible as reason:
                pytest.skip(str(reason))
        outcome = second.run("fetch", MASK)
    assert outcome.code == 0, outcome.text
    assert all(COMPLETE in log for log in fetch_logs(second))
