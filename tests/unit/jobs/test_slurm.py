"""What is checked before anything is submitted, with commands that stand in for SLURM's."""

import subprocess
from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.jobs import slurm


def commands(folder: Path, sinfo: str, **others: str) -> str:
    """A PATH with an `sbatch` and an `sinfo` that runs the given shell command, and others."""
    for name, body in {"sbatch": "exit 0", "sinfo": sinfo, **others}.items():
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


# What sacctmgr says of associations and of qualities of service, and what squeue lists.
ASSOCIATIONS = "lab|normal|40|\nother|gpu||"
QUALITIES = "normal|||\ngpu|6|10|100\nlong|2||"


def accounting(folder: Path, associations: str, queued: int = 0) -> str:
    """A PATH with the accounting's commands."""
    sacctmgr = f"case $4 in assoc) printf '{associations}\n';; qos) printf '{QUALITIES}\n';; esac"
    return commands(folder, "", sacctmgr=sacctmgr, squeue=f"seq {queued}")


@pytest.mark.parametrize(
    ("accounts", "qos", "most"),
    [
        (set(), set(), 6),  # of all associations, with their defaults
        ({"lab"}, set(), 40),
        ({"lab"}, {"long"}, 2),
        ({"other"}, {"normal"}, None),
    ],
)
def test_the_least_limit_that_applies(tmp_path, monkeypatch, accounts, qos, most):
    monkeypatch.setenv("PATH", accounting(tmp_path, ASSOCIATIONS))
    assert slurm.submit_limit("somebody", accounts, qos) == most


def test_jobs_that_are_there_take_places(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", accounting(tmp_path, "lab||5|8", queued=3))
    assert slurm.free_places(set(), set()) == 2
    monkeypatch.setenv("PATH", accounting(tmp_path, "lab||5|8", queued=5))
    with pytest.raises(InputError, match=r"have 5 jobs at a time, and 5 are there already; wait"):
        slurm.free_places(set(), set())


def test_without_accounting_no_limit_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", commands(tmp_path, "", sacctmgr="echo off >&2; exit 1"))
    assert slurm.free_places(set(), set()) is None


WRAPPER = Path(__file__).parents[3] / "profiles/slurm/bin/sbatch"
LIMIT = "sbatch: error: AssocMaxSubmitJobLimit"


@pytest.mark.parametrize(
    ("times", "said", "code", "asked"),
    [
        (2, LIMIT, 0, 3),
        (9, LIMIT, 1, 4),
        (1, "sbatch: error: invalid partition specified: gpus", 1, 1),
        (1, "sbatch: error: Socket timed out on send/recv operation", 1, 1),  # a job may be there
    ],
)
def test_a_refusal_is_asked_again_and_an_error_is_not(tmp_path, times, said, code, asked):
    """`sbatch` refuses some times, then prints a number and what it was given."""
    body = (
        f'echo x >> {tmp_path}/asked; [ "$(wc -l < {tmp_path}/asked)" -gt {times} ] || '
        f"{{ echo '{said}' >&2; exit 1; }}; echo 17; cat; echo \"$@\""
    )
    path = f"{WRAPPER.parent}:{commands(tmp_path, '')}"
    (tmp_path / "sbatch").write_text(f"#!/bin/sh\n{body}\n")
    done = subprocess.run(
        ["sbatch", "--job-name", "two words"], input="#!/bin/sh\ntrue\n\n",
        env={"PATH": path, "SBATCH_PAUSES": "0.01 0.01 0.01"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert len((tmp_path / "asked").read_text().splitlines()) == asked
    assert done.stdout == ("" if code else "17\n#!/bin/sh\ntrue\n\n--job-name two words\n")
    assert done.stderr.splitlines() == [said] * code  # Snakemake reads a failure from any
