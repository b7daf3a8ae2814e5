"""What is checked before anything is submitted, with commands that stand in for SLURM's."""

from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.jobs import slurm


def commands(folder: Path, sinfo: str) -> str:
    """A PATH with an `sbatch` and an `sinfo` that runs the given shell command."""
    for name, body in {"sbatch": "exit 0", "sinfo": sinfo}.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_partitions_of_the_cluster_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", commands(tmp_path, "printf 'cpu\\ngpu\\ngpu\\n'"))
    slurm.check_submission({"gpu", "cpu"})
    slurm.check_submission(set())
    assert slurm.known_partitions() == ["cpu", "gpu", "gpu"]


def test_unknown_partition_names_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", commands(tmp_path, "printf 'cpu\\ngpu\\n'"))
    with pytest.raises(InputError, match=r"'gpus': allowed are cpu, gpu; did you mean 'gpu'"):
        slurm.check_submission({"gpus", "cpu"})


def test_missing_sbatch_says_where_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"sbatch is not on PATH.*login node"):
        slurm.check_submission({"gpu"})


def test_silent_controller_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    body = "printf 'error: Unable to contact\\nslurm controller\\n' >&2; exit 1"
    monkeypatch.setenv("PATH", commands(tmp_path, body))
    with pytest.raises(InputError) as caught:
        slurm.check_submission(set())
    assert str(caught.value) == "sinfo: error: Unable to contact slurm controller"


def test_controller_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", commands(tmp_path, "exec sleep 60"))
    monkeypatch.setattr(slurm, "PATIENCE", 0.5)
    with pytest.raises(InputError, match=r"did not answer in 0\.5 s"):
        slurm.check_submission(set())
