"""Parameters of models, counted in files that are made here."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from multiprune.experiment.resources import JobResources
from multiprune.experiment.sizes import SMALL, billions, misstated
from multiprune.experiment.validation import validate
from unit.experiment.data import changed


@pytest.fixture
def folder(tmp_path):
    """6 + 20 numbers in two files, and 1,000 that do not count."""
    save_file({"a": np.zeros((2, 3), np.float16)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": np.zeros((4, 5), np.float32)}, tmp_path / "model-00002-of-00002.safetensors")
    save_file({"c": np.zeros(1000)}, tmp_path / "adapter_model.safetensors")
    return tmp_path


def experiment(folder, **stated: float):
    return validate(changed(("models/tiny", {"kind": "local", "folder": str(folder), **stated})))


def test_a_local_model_is_counted_unless_its_size_is_stated(folder):
    assert billions(experiment(folder).models["tiny"]) == 26e-9
    assert billions(experiment(folder, parameters=8).models["tiny"]) == 8


def test_a_model_that_is_not_there_or_cannot_be_read_is_small(tmp_path):
    assert billions(experiment(tmp_path / "none").models["tiny"]) == SMALL
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 20)
    assert billions(experiment(tmp_path).models["tiny"]) == SMALL


def test_what_jobs_ask_for_follows_the_count(folder, monkeypatch):
    resources = JobResources(experiment(folder))
    assert resources._billions("tiny") == 26e-9


@pytest.mark.parametrize(("stated", "lines"), [(20e-9, 0), (35e-9, 0), (8, 1), (15e-9, 1)])
def test_a_stated_size_far_from_the_count_is_said(folder, stated, lines):
    found = list(misstated(experiment(folder, parameters=stated)))
    assert len(found) == lines
    for line in found:
        assert line == (
            f"models.tiny.parameters: says {stated:g} billion, its files hold 2.6e-08; leave it "
            "out, and it is counted"
        )
