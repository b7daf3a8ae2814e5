import json
from pathlib import Path

import pytest

from multiprune.jobs.benchmarks import in_words, seconds_of, span


def write(path: Path, *seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"s": time}) + "\n" for time in seconds))


def test_seconds_are_of_the_first_folder_that_knows_the_rule(tmp_path: Path):
    own, other = tmp_path / "own", tmp_path / "other"
    write(own / "prune_model/m/0.5.jsonl", 1, 2)
    write(other / "prune_model/m/0.5.jsonl", 9)
    write(other / "draw_figure/a.jsonl", 4)
    (own / "draw_figure").mkdir()
    (own / "draw_figure/a.jsonl").write_text('{"s": ')  # cut off
    assert seconds_of("prune_model", [own, other]) == [1, 2]
    assert seconds_of("draw_figure", [own, other]) == [4]
    assert seconds_of("fetch_model", [own, other]) == []


def test_seconds_of_other_models_do_not_count(tmp_path: Path):
    write(tmp_path / "prune_model/small/0.5.jsonl", 1)
    write(tmp_path / "prune_model/large/0.5.jsonl", 7)
    write(tmp_path / "fetch_model/small.jsonl", 3)
    assert seconds_of("prune_model", [tmp_path], {"small"}) == [1]
    assert seconds_of("prune_model", [tmp_path], {"other"}) == []
    assert seconds_of("fetch_model", [tmp_path], {"small"}) == [3]


def test_a_span_by_hand():
    # Quartiles of 60, 120, 180 are 90 and 150: 4 jobs on 2 cores take 180 s at least, at most
    # 300 s and the 150 s of one that is left alone at the end.
    seconds = {"a": [60, 120, 180], "b": []}
    assert span({"a": 4, "b": 7}, seconds, 2) == pytest.approx((3, 7.5))
    assert span({"a": 4}, seconds, 2, {"a": 0.5}) == pytest.approx((1.5, 7.5))
    assert span({"b": 7}, seconds, 2) is None


def test_words():
    assert in_words((0.1, 0.2), 1) == "about 1 minute on 1 core"
    assert in_words((3.6, 5.2), 2) == "about 4 to 6 minutes on 2 cores"
    assert in_words((100, 179), 2) == "about 2 to 3 hours on 2 cores"
