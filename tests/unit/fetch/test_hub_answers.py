"""Answers of another form than the hub's, given by a hub on the loopback and to the checks."""

import json
from types import SimpleNamespace

import pytest
from huggingface_hub import constants
from loopback_hub import COMMIT, ENDLESS, Fetching, Repository, loopback_hub
from smallest_model import MODEL

from multiprune.errors import InputError
from multiprune.fetch.hub_answers import commit_of
from multiprune.fetch.hub_datasets import dataset_commit
from multiprune.fetch.models import huggingface

UNEXPECTED = "the hub's answer is not what its interface promises"
NO_COMMITS = [None, "main", "0" * 39, "../" + "0" * 40, "../../x", 5, ["0" * 40]]
FILES = [{"rfilename": name, "size": 10} for name in MODEL]
NESTED = b"[" * 200_000


def answer(**change):
    return json.dumps({"id": "org/tiny", "sha": COMMIT, "siblings": FILES} | change).encode()


def with_file(**entry):
    return answer(siblings=[*FILES, {"rfilename": "more.json", "size": 1} | entry])


@pytest.fixture
def hub(monkeypatch):
    """Sets what the hub of this process says about org/tiny and org/d."""
    repository = Repository({})
    with loopback_hub({"org/tiny": repository}, {"org/d": repository}) as endpoint:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield lambda body: setattr(repository, "answer", body)


@pytest.mark.parametrize("sha", NO_COMMITS)
def test_a_commit_that_is_none(sha):
    with pytest.raises(InputError, match="states the commit"):
        commit_of(SimpleNamespace(sha=sha), "model x")


def test_a_commit():
    assert commit_of(SimpleNamespace(sha="0a" * 20), "model x") == "0a" * 20


class TestDataset:
    @pytest.mark.parametrize("sha", NO_COMMITS)
    def test_a_commit_that_is_none(self, hub, sha):
        hub(json.dumps({"id": "org/d", "sha": sha}).encode())
        with pytest.raises(InputError, match=rf"^dataset org/d: {UNEXPECTED}.* states the commit"):
            dataset_commit("org/d", "main")

    @pytest.mark.parametrize("body", [b'{"id": "org/d"}', b"null", b"[]", b"<html>", NESTED])
    def test_another_form(self, hub, body):
        hub(body)
        with pytest.raises(InputError, match=rf"^dataset org/d: {UNEXPECTED}"):
            dataset_commit("org/d", "main")

    def test_a_commit(self, hub):
        hub(json.dumps({"id": "org/d", "sha": COMMIT}).encode())
        assert dataset_commit("org/d", "main") == COMMIT


NAMES = [None, 5, {}, "", "../../evil.safetensors", "/evil.json", "a\0.json", "a\\b", "\ud800.json"]
SIZES = [None, "10", [1], 10.5, -5, True, 2**63, 10**400]


class TestModel:
    @pytest.fixture
    def refusal(self, hub, tmp_path):
        """The line that a fetch of org/tiny ends with, where the hub says `body`."""

        def line(body):
            hub(body)
            with pytest.raises(InputError) as caught:
                huggingface.fetch({"repo": "org/tiny", "revision": "main"}, tmp_path, id)
            assert str(caught.value).isprintable()
            return str(caught.value)

        return line

    @pytest.mark.parametrize("name", NAMES, ids=repr)
    def test_names_that_are_none(self, refusal, name):
        expected = f"model org/tiny: {UNEXPECTED}"
        assert refusal(with_file(rfilename=name)).startswith(expected)

    @pytest.mark.parametrize("size", SIZES, ids=lambda size: repr(size)[:9])
    def test_sizes_that_are_none(self, refusal, size):
        line = refusal(with_file(size=size))
        assert line.startswith(f"model org/tiny: {UNEXPECTED}")
        assert line.endswith(" of 'more.json')")
        assert len(line) < 400

    @pytest.mark.parametrize(
        "body",
        [
            *(b"null", b"[1]", b"<html>login", NESTED, b'{"a":' * 200_000),
            *(answer(siblings=other) for other in (None, "abc", ["config.json"], [None], [{}])),
            *(with_file(lfs=other) for other in ("x", {"a": 1}, [1])),
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_another_form(self, refusal, body):
        assert refusal(body).startswith(f"model org/tiny: {UNEXPECTED}")

    @pytest.mark.parametrize("name", NAMES, ids=repr)
    def test_names_that_are_none_in_a_preflight(self, hub, tmp_path, name):
        hub(with_file(rfilename=name))
        definition = {"repo": "org/tiny", "revision": "main"}
        with pytest.raises(InputError, match=rf"^model org/tiny: {UNEXPECTED}"):
            huggingface.check(definition, definition, tmp_path, id)


def test_a_file_that_does_not_end_is_stopped_at_its_size(tmp_path, monkeypatch):
    repository = Repository(MODEL, endless=["model.safetensors"])
    line = Fetching(tmp_path, monkeypatch).refuse(repository)
    assert "model.safetensors has " in line
    assert "the hub says 10240, fetched twice" in line
    assert all(sent < ENDLESS for _name, _start, sent in repository.weights())
