"""Downloads from the hub with scripts/fetch_model.py, against a hub on the loopback.

What a user meets first runs in a process of its own (TestScript), the rest in the tests' process,
where a run takes milliseconds. After each run the token is looked for in all that was written.
"""

import errno
import io
import json
import os
import shutil
from types import SimpleNamespace

import pytest
import torch
import yaml
from huggingface_hub import constants
from loopback_hub import (
    CANARY,
    COMMIT,
    DEFINITION,
    Fetching,
    FetchingAlone,
    Repository,
    loopback_hub,
)
from safetensors.torch import load
from smallest_model import MODEL, TENSORS, weights_file
from tiny import ONE_WORD

from multiprune.errors import InputError
from multiprune.fetch import hub
from multiprune.fetch.hub import size_text
from multiprune.fetch.hub_datasets import dataset_commit
from multiprune.files.manifests import read_manifest

SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


HALVES = [
    {name: tensor for name, tensor in TENSORS.items() if ("layers" in name) is inside}
    for inside in (True, False)
]
PLACES = {
    name: shard
    for shard, filler, half in zip(SHARDS, "ab", HALVES, strict=True)
    for name in [*half, filler]
}
SHARDED = {
    "config.json": MODEL["config.json"],
    "model.safetensors.index.json": json.dumps({"metadata": {}, "weight_map": PLACES}).encode(),
    SHARDS[0]: weights_file("a", HALVES[0]),
    SHARDS[1]: weights_file("b", HALVES[1]),
    "tokenizer.json": ONE_WORD,
}


@pytest.fixture
def fetching(tmp_path, monkeypatch):
    return Fetching(tmp_path, monkeypatch)


@pytest.fixture
def alone(tmp_path, monkeypatch):
    return FetchingAlone(tmp_path, monkeypatch)


def refused_for_good(runs, repository, **options):
    """The line of a run that trying again does not help: nothing is left behind."""
    line = runs.refuse(repository, **options)
    assert list(runs.manifest.parent.parent.iterdir()) == []
    assert "attempt" not in runs.printed
    return line


def breaks():
    """So often that the script gives up, with 4000 bytes of the weights."""
    return {"model.safetensors": [4000, 0, 0, 0, 0]}


@pytest.mark.slow
class TestScript:
    """The script as Snakemake runs it."""

    def test_success(self, alone):
        files = MODEL | {"LICENSE": b"yours", "USE_POLICY.md": b"be good"}
        repository = Repository(files | {"pytorch_model.bin": b"pickled", "README.md": b"card"})
        alone.succeed(repository)
        manifest = read_manifest(alone.manifest)
        assert manifest["revision"] == COMMIT
        assert manifest["definition"] == DEFINITION
        assert set(manifest["files"]) == set(files)

    def test_pickled_weights_are_converted(self, alone):
        buffer = io.BytesIO()
        torch.save(load(MODEL["model.safetensors"]), buffer)
        files = {name: data for name, data in MODEL.items() if name != "model.safetensors"}
        code, line = alone.run(Repository(files | {"pytorch_model.bin": buffer.getvalue()}))
        assert code == 0, line
        manifest = read_manifest(alone.manifest)
        assert set(manifest["files"]) == set(MODEL)
        assert set(manifest["converted"]) == {"pytorch_model.bin"}

    def test_gated(self, alone):
        """First without a token, then with that of somebody who has accepted the licence."""
        repository = Repository(MODEL, gated=True, token=CANARY)
        line = refused_for_good(alone, repository, token=None)
        licence = f"access is gated; accept the licence at {alone.endpoint}/org/tiny,"
        assert line.startswith(f"error: model org/tiny: {licence}")
        assert "set HF_TOKEN" in line
        assert repository.transfers == []
        alone.succeed(repository, token=CANARY)

    def test_missing_revision(self, alone):
        line = refused_for_good(
            alone, Repository(MODEL), definition=DEFINITION | {"revision": "v2"}
        )
        assert "org/tiny: revision 'v2' does not exist" in line
        assert f"{alone.endpoint}/org/tiny lists" in line

    def test_offline(self, alone):
        line = refused_for_good(alone, Repository(MODEL), offline=True)
        assert "org/tiny: the hub cannot be reached" in line

    def test_a_disk_that_fills_up(self, alone):
        """No file may grow beyond 5000 bytes; the part stays and the next run goes on."""
        line = alone.refuse(Repository(MODEL), file_limit=5000)
        assert line.startswith(f"error: {alone.partial}: model org/tiny needs 5.2 kB more, ")
        assert line.endswith("it goes on where it stopped (File too large)")
        again = Repository(MODEL)
        alone.succeed(again)
        assert again.weights() == [("model.safetensors", 5000, 5240)]


class TestFetchedAlready:
    def test_a_branch_stays_at_its_first_commit(self, fetching):
        definition = DEFINITION | {"revision": "main"}
        fetching.succeed(Repository(MODEL), definition=definition)
        lock = yaml.safe_load((fetching.folder / "lock.yaml").read_text())
        assert lock["models/tiny"]["commit"] == COMMIT
        shutil.rmtree(fetching.manifest.parent)
        fetching.succeed(Repository(MODEL, main="f" * 40), definition=definition)
        assert read_manifest(fetching.manifest)["revision"] == COMMIT

    def test_a_complete_download_is_not_fetched_again(self, fetching):
        fetching.succeed(Repository(MODEL))
        before = fetching.manifest.stat().st_mtime_ns
        code, line = fetching.run(Repository(MODEL), offline=True)
        assert code == 0, line
        assert fetching.manifest.stat().st_mtime_ns == before
        (fetching.manifest.parent / "model.safetensors").write_bytes(b"damaged")
        code, line = fetching.run(Repository(MODEL), offline=True)
        assert code == 1
        assert "the hub cannot be reached" in line


class TestRefusal:
    def test_missing_repository(self, fetching):
        definition = DEFINITION | {"repo": "org/other"}
        line = refused_for_good(fetching, Repository(MODEL), definition=definition)
        assert "org/other: no such repository" in line

    @pytest.mark.parametrize("token", [CANARY + "\x0bx", CANARY + "\u00e9"])
    def test_a_token_that_no_header_can_hold(self, fetching, token):
        line = refused_for_good(fetching, Repository(MODEL), token=token)
        assert "the token in HF_TOKEN cannot be sent" in line

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"config.json": b'{"auto_map": {"AutoModelForCausalLM": "own.Model"}}'}, "auto_map"),
            ({"config.json": b'{"model_type": "mamba"}'}, "unknown model_type 'mamba'"),
            ({SHARDS[1]: None}, r"2 files of which 1 are missing (model-00002"),
            (
                {SHARDS[0]: None, SHARDS[1]: None, "args.bin": b"x"},
                "no weights but args",
            ),
        ],
    )
    def test_unfit_models_cost_no_weights(self, fetching, change, message):
        files = {name: data for name, data in (SHARDED | change).items() if data is not None}
        repository = Repository(files)
        assert message in refused_for_good(fetching, repository)
        assert not [name for name, *_ in repository.transfers if name.endswith(".safetensors")]

    def test_small_files_are_compared_by_their_git_hash(self, fetching):
        wrong = Repository(MODEL, wrong_hash=["tokenizer.json"])
        line = fetching.refuse(wrong)
        assert "org/tiny: tokenizer.json has another git hash than the hub states" in line
        fetching.succeed(Repository(MODEL))

    def test_gated_with_a_token_that_is_not_enough(self, fetching):
        repository = Repository(MODEL, gated=True, token="hf_of_somebody_else")
        assert "access is gated" in refused_for_good(fetching, repository)


class TestBrokenTransfer:
    def test_a_broken_transfer_goes_on_in_the_next_run(self, fetching):
        """No byte is sent twice, neither of the finished shard nor of the broken one."""
        broken = Repository(SHARDED, breaks={SHARDS[1]: [3000, 4000, 0, 0, 0, 0]})
        line = fetching.refuse(broken)
        assert "transfer from the hub broke off; run the same command again" in line
        assert fetching.printed.count("the transfer broke off; attempt") == 5
        again = Repository(SHARDED)
        fetching.succeed(again)
        assert again.weights()[-1] == (SHARDS[1], 7000, 3240)
        sent = dict.fromkeys(SHARDED, 0)
        for name, _, size in broken.transfers + again.transfers:
            sent[name] += size
        assert sent == {name: len(data) for name, data in SHARDED.items()}

    def test_a_wrong_checksum(self, fetching):
        """Fetched twice, then an error; the file goes and the next run fetches it anew."""
        wrong = Repository(MODEL, wrong_hash=["model.safetensors"])
        line = fetching.refuse(wrong)
        assert "org/tiny: model.safetensors has another SHA-256 than the hub states" in line
        assert wrong.weights() == [("model.safetensors", 0, 10240)] * 2
        assert not [path for path in fetching.partial.rglob("*") if "safetensors" in path.name]
        right = Repository(MODEL)
        fetching.succeed(right)
        assert right.weights() == [("model.safetensors", 0, 10240)]
        assert "config.json" not in [name for name, *_ in right.transfers]

    def test_resumes_within_one_run(self, fetching):
        repository = Repository(MODEL, breaks={"model.safetensors": [4000, 0, 2000]})
        fetching.succeed(repository)
        assert repository.weights() == [
            ("model.safetensors", 0, 4000),
            ("model.safetensors", 4000, 0),
            ("model.safetensors", 4000, 2000),
            ("model.safetensors", 6000, 4240),
        ]
        assert fetching.printed.count("the transfer broke off; attempt") == 3

    def test_an_interrupted_run_is_taken_up(self, fetching):
        def interrupt(error):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fetching.run(
                Repository(MODEL, breaks={"model.safetensors": [4000]}),
                change=lambda patch: patch.setattr(hub, "_passing", interrupt),
            )
        again = Repository(MODEL)
        fetching.succeed(again)
        assert again.weights() == [("model.safetensors", 4000, 6240)]

    def test_progress_renews_the_attempts(self, fetching):
        repository = Repository(MODEL, breaks={"model.safetensors": [1000] * 9})
        fetching.succeed(repository)
        assert [start for _, start, _ in repository.weights()] == [*range(0, 9001, 1000)]

    def test_a_server_without_ranges_starts_the_file_again(self, fetching):
        repository = Repository(MODEL, breaks={"model.safetensors": [4000]}, ranges=False)
        fetching.succeed(repository)
        assert repository.weights() == [
            ("model.safetensors", 0, 4000),
            ("model.safetensors", 0, 10240),
        ]

    def test_answers_that_are_too_short(self, fetching):
        """Each holds half of what is lacking, so there is progress until a byte is left."""
        repository = Repository(MODEL, truncated=True)
        assert "transfer from the hub broke off" in fetching.refuse(repository)
        assert repository.weights()[:3] == [
            ("model.safetensors", 0, 5120),
            ("model.safetensors", 5120, 2560),
            ("model.safetensors", 7680, 1280),
        ]

    def test_another_commit_starts_anew(self, fetching):
        definition = DEFINITION | {"revision": "main"}
        broken = Repository(MODEL, breaks=breaks())
        fetching.refuse(broken, definition=definition)
        assert fetching.part.stat().st_size == 4000
        moved = Repository(MODEL | {"model.safetensors": weights_file("b", TENSORS)}, main="f" * 40)
        fetching.succeed(moved, definition=definition)
        assert {start for _, start, _ in moved.transfers} == {0}
        assert {name for name, *_ in moved.transfers} == set(MODEL)
        assert read_manifest(fetching.manifest)["revision"] == "f" * 40

    def test_another_model_of_the_same_name_starts_anew(self, fetching):
        fetching.refuse(Repository(MODEL, breaks=breaks()))
        source = fetching.folder / "own"
        source.mkdir()
        for name, data in MODEL.items():
            (source / name).write_bytes(data)
        code, line = fetching.run(None, definition={"kind": "local", "folder": str(source)})
        assert code == 0, line
        assert os.listdir(fetching.manifest.parent.parent) == ["tiny"]

    def test_damage_in_the_kept_part_is_found(self, fetching):
        fetching.refuse(Repository(MODEL, breaks=breaks()))
        fetching.part.write_bytes(b"0" * 4000)
        again = Repository(MODEL)
        fetching.succeed(again)
        assert again.weights() == [
            ("model.safetensors", 4000, 6240),
            ("model.safetensors", 0, 10240),
        ]


class TestHubInTrouble:
    def test_passing_failures(self, fetching):
        failures = [(503, {}), (429, {"Retry-After": "0"}), (500, {}), (502, {})]
        fetching.succeed(Repository(MODEL, failures=failures))
        assert "status 503; attempt 2 of 5" in fetching.printed
        assert "status 429; attempt 3 of 5" in fetching.printed

    def test_failures_that_do_not_pass(self, fetching):
        line = fetching.refuse(Repository(MODEL, failures=[(503, {})] * 5))
        assert "status 503; run the same command again later" in line
        assert fetching.printed.count("attempt") == 4

    @pytest.mark.parametrize(("times", "commit"), [(4, COMMIT), (5, None)])
    def test_the_commit_of_a_dataset(self, monkeypatch, capsys, times, commit):
        monkeypatch.setattr(hub, "PAUSE", 0)
        repository = Repository({}, failures=[(504, {})] * times)
        with loopback_hub(datasets={"org/d": repository}) as endpoint:
            monkeypatch.setattr(constants, "ENDPOINT", endpoint)
            monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # what loads models sets it
            if commit:
                assert dataset_commit("org/d", "main") == commit
            else:
                with pytest.raises(InputError, match=r"^dataset org/d: .* status 504; run the"):
                    dataset_commit("org/d", "main")
        assert capsys.readouterr().err.count("dataset org/d: the hub answered") == 4

    def test_a_message_of_the_server_is_not_repeated(self, fetching):
        headers = {"X-Error-Message": f"bad header Authorization: Bearer {CANARY}"}
        repository = Repository(MODEL, failures=[(503, headers), (403, headers)])
        assert "status 403" in fetching.refuse(repository)
        assert "status 503; attempt 2 of 5" in fetching.printed

    def test_nobody_answers(self, fetching):
        """The port of a hub that has gone."""
        with loopback_hub({}) as endpoint:
            pass
        line = fetching.refuse(Repository(MODEL), endpoint=endpoint)
        assert "the hub cannot be reached" in line
        assert "the hub cannot be reached; attempt 5 of 5" in fetching.printed


class TestDisk:
    """The model takes more than its 10240 bytes of weights, and the script counts them all."""

    needed = sum(map(len, MODEL.values()))

    def free(self, size):
        """Lets the script see so much free disk space."""
        usage = SimpleNamespace(free=size)
        return lambda patch: patch.setattr(shutil, "disk_usage", lambda folder: usage)

    def test_too_little_room_is_said_before_anything_is_fetched(self, fetching):
        repository = Repository(MODEL)
        line = fetching.refuse(repository, change=self.free(self.needed - 1))
        where = f"error: {fetching.partial}: model org/tiny"
        assert line.startswith(f"{where} needs 10.5 kB more, 10.5 kB are free; make room there")
        assert repository.transfers == []
        fetching.succeed(repository, change=self.free(self.needed))

    def test_what_has_arrived_already_needs_no_room(self, fetching):
        fetching.refuse(Repository(MODEL, breaks=breaks()))
        kept = sum(sizes(fetching.partial))
        line = fetching.refuse(Repository(MODEL), change=self.free(self.needed - kept - 1))
        assert f"needs {size_text(self.needed - kept)} more" in line
        again = Repository(MODEL)
        fetching.succeed(again, change=self.free(self.needed - kept))
        assert again.weights() == [("model.safetensors", 4000, 6240)]

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
    def test_a_full_disk_noticed_late(self, fetching, code):
        """As file systems do that allocate when data is flushed."""

        def full(file):
            raise OSError(code, os.strerror(code))

        line = fetching.refuse(
            Repository(MODEL), change=lambda patch: patch.setattr(os, "fsync", full)
        )
        assert line.endswith(f"({os.strerror(code)})")
        assert "attempt" not in fetching.printed
        fetching.succeed(Repository(MODEL))

    @pytest.mark.parametrize(
        ("size", "text"),
        [(0, "0 bytes"), (999, "999 bytes"), (16.06e9, "16.1 GB"), (2.5e12, "2500.0 GB")],
    )
    def test_sizes_for_people(self, size, text):
        assert size_text(size) == text


def sizes(partial):
    """Sizes of what a partial folder holds of the model."""
    names = [*partial.iterdir(), *partial.glob(".in-progress/*.part")]
    return [path.stat().st_size for path in names if path.is_file()]
