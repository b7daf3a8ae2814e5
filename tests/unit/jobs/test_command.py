import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from multiprune.errors import InputError
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run

SCRIPTS = Path(__file__).parents[3] / "scripts"


def outcome(main, capsys) -> tuple[int, list[str]]:
    """Exit code and the lines of standard error."""
    try:
        run(main)
        code = 0
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err.splitlines()


def raising(error: Exception):
    def main() -> None:
        raise error

    return main


def test_the_environment_is_logged_first(capsys):
    assert outcome(lambda: None, capsys) == (0, [f"environment: {sys.prefix}"])


def test_a_users_mistake_is_one_line(capsys):
    code, lines = outcome(raising(InputError("a.json: no such file")), capsys)
    assert code == 1
    assert lines[1:] == ["error: a.json: no such file"]


def test_a_file_that_cannot_be_opened_is_one_line(capsys, tmp_path):
    code, lines = outcome(lambda: (tmp_path / "a").read_text(), capsys)
    assert code == 1
    assert lines[1:] == [f"error: {tmp_path / 'a'}: No such file or directory"]


def test_a_full_disk_is_one_line(capsys):
    code, lines = outcome(raising(OSError(28, "No space left on device")), capsys)
    assert code == 1
    assert lines[1:] == ["error: No space left on device"]


def test_a_gpu_out_of_memory_is_one_line(capsys):
    code, lines = outcome(raising(torch.OutOfMemoryError("CUDA out of memory")), capsys)
    assert code == 1
    assert lines[1].startswith("error: the GPU is out of memory; lower compute.batch_tokens")


def test_our_own_mistakes_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A script whose command line begins as rules write it, with the digest of its code."""
    script = tmp_path / "work.py"
    script.write_text("SIZE = 1\n")
    monkeypatch.setattr(sys, "argv", [str(script), "--code", code_digest(script), "--output", "x"])
    return script


def test_the_code_that_was_planned_runs_and_sees_its_own_options(planned, capsys):
    seen = []
    assert outcome(lambda: seen.extend(sys.argv), capsys)[0] == 0
    assert seen == [str(planned), "--output", "x"]


@pytest.mark.parametrize("edited", ["SIZE = 2\n", "SIZE = (\n"], ids=["another", "half an edit"])
def test_other_code_than_was_planned_stops_a_job_and_warns_who_copied_it(
    planned, capsys, edited, monkeypatch
):
    planned.write_text(edited)
    told = f"{planned}: its code was edited after this run had been planned"
    line, seen = list(sys.argv), []
    monkeypatch.delenv("MULTIPRUNE_RUN", raising=False)
    code, lines = outcome(lambda: seen.extend(sys.argv), capsys)
    assert (code, seen) == (0, [str(planned), "--output", "x"])
    assert lines[1:] == [f"warning: {told}"]
    monkeypatch.setattr(sys, "argv", line)
    monkeypatch.setenv("MULTIPRUNE_RUN", "1")
    code, lines = outcome(raising(AssertionError("ran")), capsys)
    assert code == 1
    assert lines[1:] == [f"error: {told}; run the same command again"]


def test_a_reader_who_has_read_enough_is_no_error():
    program = "from multiprune.jobs.command import run; run(lambda: print('x' * 100_000), False)"
    started = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    started.stdout.close()
    assert started.communicate()[1] == b""
    assert started.returncode == 1
