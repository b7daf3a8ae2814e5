"""Own text that is too short for the windows asked for, counted by hand."""

import pytest
import yaml

from multiprune.experiment.validation import validate
from multiprune.fetch.room import few_windows, too_short

CONFIG = """
experiment: x
models: {m: {kind: local, folder: f}}
corpora: {own: {kind: text, folder: .}, udhr: {kind: udhr}}
languages:
  a: {corpus: own, role: calibration}
  b: {corpus: own, role: unseen}
  c: {corpus: udhr, text: eng, role: calibration}
calibration: {samples: 3, length: 100}
baseline: wanda
methods: {wanda: {score: wanda}}
evaluation: {perplexity: {length: 50}}
"""
# Of 2,000 bytes 1,200 are to calibrate on, which is 300 tokens; 30 windows of 50 tokens for testing
# are three tenths of 20,000.
CALIBRATES, TESTS = 2_000, 20_000


def lines(folder, monkeypatch, **sizes: int) -> list[str]:
    monkeypatch.chdir(folder)
    for name, size in sizes.items():
        (folder / f"{name}.txt").write_bytes(b"x" * size)
    experiment = validate(yaml.safe_load(CONFIG))
    return [*too_short(experiment), *few_windows(experiment)]


def test_enough(tmp_path, monkeypatch):
    assert lines(tmp_path, monkeypatch, a=TESTS, b=TESTS) == []


def test_too_short_to_calibrate_on(tmp_path, monkeypatch):
    first, _tests = lines(tmp_path, monkeypatch, a=CALIBRATES - 10, b=TESTS)
    assert first == (
        "a.txt: has 1,990 bytes, about 298 tokens to calibrate on; 3 windows of 100 tokens need 300"
    )


@pytest.mark.parametrize(("b", "named", "fewest"), [(TESTS, "a", "3"), (1_000, "a, b", "1")])
def test_too_short_to_test_on(tmp_path, monkeypatch, b, named, fewest):
    (line,) = lines(tmp_path, monkeypatch, a=CALIBRATES, b=b)
    assert line.startswith(f"own text of {named}: gives about {fewest} test windows of 50 tokens (")


def test_a_text_that_is_missing_is_for_others_to_name(tmp_path, monkeypatch):
    assert lines(tmp_path, monkeypatch, b=TESTS) == []
