from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from multiprune.errors import InputError
from multiprune.fetch.revisions import RevisionLock
from multiprune.files.manifests import write_manifest

FIRST, SECOND = "a" * 40, "b" * 40
MODEL = {"kind": "huggingface", "repo": "org/model", "revision": "main"}
CORPUS = {"kind": "huggingface", "dataset": "org/text", "revision": "main"}


@pytest.fixture
def lock(tmp_path):
    return RevisionLock(tmp_path / "config/paper.lock.yaml")


def test_a_branch_is_resolved_once_and_stays(lock):
    assert lock.pin("models/m", MODEL) == MODEL
    lock.record("models/m", MODEL, FIRST)
    lock.record("models/m", MODEL, SECOND)  # the branch has moved
    assert lock.pin("models/m", MODEL) == {**MODEL, "revision": FIRST}


def test_models_and_corpora_stand_side_by_side(lock):
    lock.record("models/m", MODEL, FIRST)
    lock.record("corpora/c", CORPUS, SECOND)
    assert yaml.safe_load(lock.path.read_text()) == {
        "corpora/c": {"repo": "org/text", "revision": "main", "commit": SECOND},
        "models/m": {"repo": "org/model", "revision": "main", "commit": FIRST},
    }


@pytest.mark.parametrize(
    "definition", [{**MODEL, "revision": FIRST}, {"kind": "local", "folder": "models/m"}]
)
def test_what_cannot_move_is_not_locked(lock, definition):
    lock.record("models/m", definition, SECOND)
    assert not lock.path.exists()
    assert lock.pin("models/m", definition) == definition


@pytest.mark.parametrize("change", [{"repo": "org/other"}, {"revision": "v2"}])
def test_an_entry_of_something_else_is_refused(lock, change):
    lock.record("models/m", MODEL, FIRST)
    with pytest.raises(
        InputError, match=r"^\S+paper\.lock\.yaml: models/m is locked for org/model"
    ):
        lock.pin("models/m", {**MODEL, **change})


@pytest.mark.parametrize("text", ["- a", "a: b", "a: [", "\x00"])
def test_a_broken_lock_is_refused(lock, text):
    lock.path.parent.mkdir()
    lock.path.write_text(text)
    with pytest.raises(InputError, match="is not a lock file"):
        lock.pin("models/m", MODEL)


def test_jobs_that_record_at_the_same_time_lose_nothing(lock):
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda i: lock.record(f"models/m{i}", MODEL, FIRST), range(40)):
            pass
    assert len(yaml.safe_load(lock.path.read_text())) == 40


@pytest.mark.parametrize("held", [FIRST, SECOND])
def test_a_download_of_another_commit_than_the_locked_one_is_refused(lock, tmp_path, held):
    write_manifest(tmp_path, MODEL, held)
    lock.record("models/m", MODEL, FIRST)
    if held == FIRST:
        lock.must_agree("models/m", MODEL, tmp_path / "manifest.json")
    else:
        with pytest.raises(InputError, match=f"holds commit {SECOND}, .+ asks for {FIRST}"):
            lock.must_agree("models/m", MODEL, tmp_path / "manifest.json")


def test_a_broken_manifest_is_left_to_who_reads_it(lock, tmp_path):
    lock.record("models/m", MODEL, FIRST)
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{")
    lock.must_agree("models/m", MODEL, manifest)
    assert manifest.read_text() == "{"
