"""Two runs at once: in one folder the second is refused, in two clones both finish."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow.running import Workflow
from workflow.twins import Running, Twins, share_downloads

from multiprune.files.hashes import sha256_file
from multiprune.files.locks import FetchTurns
from multiprune.files.manifests import MANIFEST, read_manifest

TEXT = "resources/corpora/words/sw"
MASK = "results/tiny/tiny-llama/seed0/masks/magnitude/0.5.safetensors"


def test_two_clones_work_at_the_same_time(twins: Twins):
    assert twins.at_once
    for outcome in twins.outcomes:
        assert outcome.code == 0, outcome.text
        assert "Traceback" not in outcome.text
    assert twins.few.unfinished() == []
    assert twins.whole.unfinished() == []


def test_what_clones_share_is_fetched_once_and_whole(twins: Twins):
    printed = "\n".join(outcome.text for outcome in twins.outcomes)
    started = re.findall(r"^localrule (fetch_\w+):", printed, re.MULTILINE)
    assert sorted(started) == ["fetch_corpus"] * 3 + ["fetch_model"]
    manifests = sorted((twins.few.folder / "resources").rglob(MANIFEST))
    assert len(manifests) == 4
    for manifest in manifests:
        for name, entry in read_manifest(manifest)["files"].items():
            assert sha256_file(manifest.parent / name) == entry["sha256"]
    assert not list((twins.few.folder / "resources").rglob(".*.turn"))


def test_two_clones_make_the_same(twins: Twins, finished: Workflow):
    few, whole = twins.few.files("results/tiny"), twins.whole.files("results/tiny")
    same = ("tables/allocation.csv", "tiny-llama/seed0/masks/", "tiny-llama/seed0/perplexity/")
    shared = [name for name in few if name.startswith(same)]
    assert len(shared) == 1 + 5 + 3
    assert [name for name in shared if few[name] != whole[name]] == []
    assert [name for name in shared if few[name] != finished.files("results/tiny")[name]] == []


@pytest.fixture
def held(fresh: Workflow, tmp_path: Path) -> Iterator[tuple[Running, FetchTurns]]:
    """A run that waits for a text which the test, in the place of another clone, is fetching."""
    share_downloads(fresh, tmp_path / "shared")
    turns = FetchTurns()
    assert turns.take([fresh.folder / TEXT / MANIFEST]) == []
    with Running(fresh, "fetch", MASK) as run:
        run.wait_for("another run is fetching it; waiting")
        yield run, turns
    turns.end()


def fetch_in_its_place(run: Running, finished: Workflow) -> None:
    """Put the text where the waiting run looks for it, as a whole."""
    target = run.workflow.folder / TEXT
    target.parent.mkdir(parents=True, exist_ok=True)
    copied = finished.copy(run.workflow.folder.with_name("copied")).folder / TEXT
    copied.rename(target)


def test_second_process_in_the_same_folder(held: tuple, finished: Workflow):
    """It is refused while the first runs, changes nothing, and the first goes on to its end.

    What the first waited for has come from elsewhere: it is used and not fetched again.
    """
    run, _turns = held
    refused = run.workflow.run("fetch", MASK)
    assert run.runs()
    assert refused.code != 0
    assert "Traceback" not in refused.text
    assert refused.lines_with("Directory cannot be locked")
    assert "--unlock" in refused.text
    assert not re.search(r"^(local)?rule ", refused.text, re.MULTILINE)
    fetch_in_its_place(run, finished)
    before = (run.workflow.folder / TEXT / MANIFEST).stat().st_mtime_ns
    outcome = run.outcome()
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with("fetched by another run: ", f"{TEXT}/test.jsonl")
    assert outcome.text.count("localrule fetch_corpus:") == 2
    assert (run.workflow.folder / TEXT / MANIFEST).stat().st_mtime_ns == before
    assert (run.workflow.folder / MASK).read_bytes() == (finished.folder / MASK).read_bytes()


def test_a_clone_goes_on_alone_when_the_other_gives_up(held: tuple):
    run, turns = held
    assert not (run.workflow.folder / TEXT).exists()
    turns.end()
    outcome = run.outcome()
    assert outcome.code == 0, outcome.text
    assert outcome.text.count("localrule fetch_corpus:") == 3
    assert "fetched by another run" not in outcome.text
    assert (run.workflow.folder / TEXT / MANIFEST).is_file()
