from pathlib import Path

from multiprune.jobs.failures import MOST, reason


def of(folder: Path, text: str) -> str:
    (folder / "job.log").write_text(text)
    return reason([str(folder / "job.log")])


def test_the_last_error_of_a_log_else_its_last_line(tmp_path: Path):
    assert of(tmp_path, "environment: /x\nerror: a: no\nerror: b: no such file\nlate\n") == (
        "b: no such file"
    )
    assert of(tmp_path, "Traceback (most recent call last):\nKeyError: 'x'\n\n") == "KeyError: 'x'"
    assert of(tmp_path, "environment: /x\nzh: perplexity 338.7\n") == (
        "its log names no error, perhaps it was killed; the last line: zh: perplexity 338.7"
    )
    assert of(tmp_path, "environment: /x\n") == ""
    assert of(tmp_path, "") == ""
    assert reason([str(tmp_path / "none.log")]) == ""


def test_a_long_line_and_a_long_log_are_cut(tmp_path: Path):
    assert len(of(tmp_path, "error: " + "x" * 9_999)) == MOST + len("...")
    assert of(tmp_path, "0\n" * 50_000 + "error: last\n") == "last"
