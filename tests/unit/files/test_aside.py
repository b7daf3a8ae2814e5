"""Broken files: renamed by a command, kept in place by a job of a run until the run ends."""

import os

import pytest

from multiprune.errors import InputError
from multiprune.files.aside import RUN, remove_set_aside, set_aside, set_both_aside

OF_A_RUN = str(os.getppid())  # another process than this one


def test_a_command_renames_a_broken_file(tmp_path, monkeypatch):
    monkeypatch.delenv(RUN, raising=False)
    for content in ("first", "second"):
        (tmp_path / "a").write_text(content)
        with pytest.raises(InputError, match=r"a: is odd; set aside as a\.corrupt, run"):
            set_aside(tmp_path / "a", "is odd")
    assert [path.name for path in tmp_path.iterdir()] == ["a.corrupt"]
    assert (tmp_path / "a.corrupt").read_text() == "second"


def test_the_process_of_a_run_renames_as_well(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN, str(os.getpid()))
    (tmp_path / "a").write_text("broken")
    with pytest.raises(InputError):
        set_aside(tmp_path / "a", "is odd")
    assert not (tmp_path / "a").exists()


def test_a_job_leaves_the_file_until_the_run_ends(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN, OF_A_RUN)
    (tmp_path / "a").write_text("broken")
    (tmp_path / "a.corrupt").write_text("of an earlier day")
    for _reader in range(2):
        with pytest.raises(InputError, match=r"a: is odd; set aside as a\.corrupt, run"):
            set_aside(tmp_path / "a", "is odd")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.corrupt"]
    remove_set_aside([tmp_path])
    assert [path.name for path in tmp_path.iterdir()] == ["a.corrupt"]
    assert (tmp_path / "a.corrupt").read_text() == "broken"


def test_what_was_made_again_stays(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below/a").write_text("new")
    (tmp_path / "below/a.corrupt").write_text("broken")
    remove_set_aside([tmp_path, tmp_path / "missing"])
    assert (tmp_path / "below/a").read_text() == "new"


def test_a_file_that_can_have_one_name_only_is_renamed(tmp_path, monkeypatch):
    def refuse(*_paths, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setenv(RUN, OF_A_RUN)
    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_text("broken")
    with pytest.raises(InputError, match="set aside as"):
        set_aside(tmp_path / "a", "is odd")
    assert [path.name for path in tmp_path.iterdir()] == ["a.corrupt"]


def test_what_describes_a_file_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN, OF_A_RUN)
    for name in ("model", "manifest.json"):
        (tmp_path / name).write_text("broken")
    for said in ("model.corrupt and manifest.json.corrupt", "manifest.json.corrupt, run"):
        with pytest.raises(InputError, match=f"is odd; set aside as {said}"):
            set_both_aside(tmp_path / "manifest.json", tmp_path / "model", "is odd")
        (tmp_path / "model").unlink(missing_ok=True)
    remove_set_aside([tmp_path])
    assert not (tmp_path / "manifest.json").exists()
