"""The commands of a run's jobs: quoted, and with the digests that the run was planned with."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from multiprune.errors import InputError
from multiprune.files.json import read_json
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.planned import PlannedJobs

KEPT = Path("kept/codes.json")
FOLDER = "it's a $(touch canary) folder"
WILDCARDS = SimpleNamespace(score="wanda")


def named(wildcards: SimpleNamespace) -> list[str]:
    return [f"scores.{wildcards.score}"]


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / FOLDER
    (folder / "multiprune/scores").mkdir(parents=True)
    (folder / "prune.py").write_text("x = 1\n")
    (folder / "multiprune/scores/wanda.py").write_text("y = 1\n")
    return folder


def test_the_command_holds_path_and_digest_as_the_shell_reads_them(scripts):
    job = PlannedJobs(scripts, kept=KEPT, plans=True)
    expected = [f"{FOLDER}/prune.py", "--code", code_digest(scripts / "prune.py")]
    assert shlex.split(job("prune.py")(WILDCARDS)) == expected


def test_modules_that_the_job_names_stand_behind_its_digest(scripts):
    job = PlannedJobs(scripts, kept=KEPT, plans=True)
    digest = code_digest(scripts / "prune.py", ["scores.wanda"])
    command = shlex.split(job("prune.py", named)(WILDCARDS))
    assert command[-1] == f"{digest} scores.wanda"
    assert command != shlex.split(job("prune.py")(WILDCARDS))


def test_a_job_has_the_digest_that_was_planned_whatever_was_edited_since(scripts):
    job = PlannedJobs(scripts, kept=KEPT, plans=True)
    planned = job("prune.py", named)(WILDCARDS)
    job.keep()
    assert KEPT.is_file()
    (scripts / "multiprune/scores/wanda.py").write_text("y = 2\n")
    later = PlannedJobs(scripts, kept=KEPT, plans=False)
    assert later("prune.py", named)(WILDCARDS) == planned
    later.keep()  # writes nothing
    assert set(read_json(KEPT)) == {"prune.py scores.wanda"}
    assert PlannedJobs(scripts, kept=KEPT, plans=True)("prune.py", named)(WILDCARDS) != planned


def test_a_job_of_no_run_is_refused(scripts):
    with pytest.raises(InputError, match=r"kept/codes.json: no such file"):
        PlannedJobs(scripts, kept=KEPT, plans=False)
