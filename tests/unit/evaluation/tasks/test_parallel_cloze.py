import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import patience

from multiprune.evaluation.tasks.parallel_cloze import (
    Cut,
    cuts_of,
    documents,
    passage,
    plan_items,
    why_none_is_planned,
)
from multiprune.files.json import read_json, read_json_lines, write_json_lines
from multiprune.files.manifests import write_manifest

SCRIPT = Path(__file__).parents[4] / "scripts" / "build_parallel_task.py"
SETTINGS = {"kind": "parallel_cloze", "items": 20, "context_characters": 40}
SETTINGS["choice_characters"] = 20


def text_of(number, words=30):
    return " ".join(f"p{number}w{word}" for word in range(words))


def pivot(paragraphs=12, words=30):
    return {f"a{number:02d}": text_of(number, words) for number in range(paragraphs)}


def places(cuts, length):
    return [
        tuple(round(share * length) for share in (cut.begin, cut.middle, cut.end)) for cut in cuts
    ]


class TestCuts:
    @pytest.mark.parametrize(
        ("length", "expected"),
        [
            (200, [(0, 80, 110), (80, 160, 190)]),
            (190, [(0, 80, 110), (80, 160, 190)]),
            (189, [(0, 80, 110)]),
            (110, [(0, 80, 110)]),
            (100, [(0, 70, 100)]),
            (70, [(0, 40, 70)]),
            (69, []),
            (0, []),
        ],
    )
    def test_places_by_hand(self, length, expected):
        cuts = cuts_of("a", "x" * length, 80, 30)
        assert places(cuts, length) == expected
        assert [cut.id for cut in cuts] == [f"a:{n + 1}" for n in range(len(expected))]

    def test_words_are_whole(self):
        text = "one two three four five six"  # 27 characters
        cut = Cut("a", 1, 2 / 27, 11 / 27, 22 / 27)
        assert passage(text, cut, True) == ("one two", "three four")

    def test_characters_keep_their_marks(self):
        text = "กี่กี่กี่กี่"  # four times a consonant with two marks above it
        cut = Cut("a", 1, 0, 8 / 12, 1)
        assert passage(text, cut, False) == ("กี่กี่", "กี่กี่")

    def test_too_little_text_is_none(self):
        assert passage("人人有权", Cut("a", 1, 0, 0.5, 1), False) == ("人人", "有权")
        assert passage("人人有", Cut("a", 1, 0, 2 / 3, 1), False) is None
        assert passage("incomprehensibilities", Cut("a", 1, 0, 0.7, 1), True) is None


def test_cuts_in_long_words_are_at_blanks():
    """Nineteen letters a word, so that 5 characters of a hundred are blanks."""
    words = [f"inuit{letter * 14}" for letter in "abcdefghijkl"]
    text = {f"a{n}": " ".join(words[n % 5 :] + words[: n % 5]) for n in range(5)}
    rows, _dropped = documents(plan_items(text, 8, 70, 35, 0), text)
    assert rows
    for row in rows:
        assert set(f"{row['context']} {' '.join(row['choices'])}".split()) <= set(words)


class TestPlan:
    def test_first_cuts_come_first_and_all_are_used_once(self):
        plan = plan_items(pivot(), 100, 40, 20, seed=0)
        numbers = [item.cut.number for item in plan]
        assert numbers == sorted(numbers)
        assert len({item.cut.id for item in plan}) == len(plan)
        assert {item.cut.paragraph for item in plan[:12]} == set(pivot())

    def test_every_place_is_right_once_in_four_items(self):
        answers = [item.answer for item in plan_items(pivot(), 12, 40, 20, seed=3)]
        assert [sorted(answers[start : start + 4]) for start in (0, 4, 8)] == [[0, 1, 2, 3]] * 3

    def test_choices_come_from_four_paragraphs(self):
        for item in plan_items(pivot(), 100, 40, 20, seed=1):
            assert len({cut.paragraph for cut in (item.cut, *item.distractors)}) == 4

    def test_seed_matters_and_repeats(self):
        plans = [plan_items(pivot(), 20, 40, 20, seed) for seed in (0, 0, 1)]
        assert plans[0] == plans[1] != plans[2]

    def test_fewer_items_are_the_first_of_more(self):
        few, many = (plan_items(pivot(), items, 40, 20, 0) for items in (10, 30))
        assert [item.cut for item in few] == [item.cut for item in many[:10]]

    def test_equal_continuations_are_no_distractors(self):
        alike = {f"a{number}": "one two three four five six seven eight" for number in range(9)}
        assert plan_items(alike, 9, 20, 15, 0) == []


class TestDocuments:
    def test_right_choice_follows_the_context(self):
        text = pivot()
        rows, dropped = documents(plan_items(text, 30, 40, 20, 0), text)
        assert len(rows) == 30
        assert dropped == {}
        for row in rows:
            whole = text[row["id"].split(":")[0]]
            follows = [f"{row['context']} {choice}" in whole for choice in row["choices"]]
            assert follows == [place == row["answer"] for place in range(4)]

    def test_items_are_the_same_in_another_language(self):
        plan = plan_items(pivot(), 30, 40, 20, 0)
        mine, theirs = (
            documents(plan, {key: change(text) for key, text in pivot().items()})[0]
            for change in (str, lambda text: text.upper().replace("W", "WORD"))
        )
        assert [row["id"] for row in mine] == [row["id"] for row in theirs]
        assert [row["answer"] for row in mine] == [row["answer"] for row in theirs]
        begins = [[choice.split("w")[0].upper() for choice in row["choices"]] for row in mine]
        assert begins == [[c.split("W")[0] for c in row["choices"]] for row in theirs]

    @given(st.sets(st.sampled_from(sorted(pivot())), max_size=11))
    def test_missing_paragraphs_drop_only_the_items_that_need_them(self, missing):
        plan = plan_items(pivot(), 30, 40, 20, 0)
        whole = documents(plan, pivot())[0]
        kept, dropped = documents(plan, {k: v for k, v in pivot().items() if k not in missing})
        need = {
            item.cut.id: {cut.paragraph for cut in (item.cut, *item.distractors)} for item in plan
        }
        assert set(dropped) == {key for key, used in need.items() if used & missing}
        assert kept == [row for row in whole if row["id"] not in dropped]

    def test_short_and_equal_paragraphs_are_dropped_with_a_reason(self):
        plan = plan_items(pivot(), 1, 40, 20, 0)
        item = plan[0]
        text = pivot() | {item.cut.paragraph: "short"}
        assert documents(plan, text) == (
            [],
            {item.cut.id: f"paragraph {item.cut.paragraph} is too short at cut 1"},
        )
        text = dict.fromkeys(pivot(), "same " * 30)
        assert documents(plan, text)[1] == {item.cut.id: "two of its choices are alike"}

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ({}, "0 paragraphs are long enough, an item needs 4); use a longer parallel text"),
            (
                {**pivot(3), "short": "too short for a context and a choice"},
                "3 paragraphs are long enough, an item needs 4); use a longer parallel text",
            ),
            (
                {f"a{n}": "one two three four five six seven eight " * 2 for n in range(9)},
                "9 paragraphs are long enough, but an item needs 4 that go on differently, and "
                "these have 1 continuations); use another text, or raise choice_characters",
            ),
        ],
    )
    def test_why_a_pivot_gives_none(self, text, reason):
        assert plan_items(text, 9, 60, 15, 0) == []
        assert why_none_is_planned(text, 60, 15).startswith(f"no item can be built ({reason}")


def build(folder, language, hash_seed, paragraphs, text=None):
    """Run the script on a corpus of 12 paragraphs, of which the language has some."""
    corpora = folder / "corpora"
    for code, count in (("en", 12), (language, paragraphs)):
        rows = [{"id": key, "text": text or own} for key, own in list(pivot().items())[:count]]
        write_json_lines(corpora / code / "test.jsonl", rows)
        write_manifest(corpora / code, {})
    output = folder / f"seed{hash_seed}" / language / "task.json"
    options = {
        "pivot": corpora / "en" / "test.jsonl",
        "text": corpora / language / "test.jsonl",
        "language": language,
        "task": "cloze",
        "settings": json.dumps(SETTINGS),
        "seed": 0,
        "output": output,
    }
    arguments = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        timeout=patience(180),
        check=False,
    )
    return done, output.parent


def test_script_writes_the_same_bytes_and_reports_what_it_drops(tmp_path):
    folders = []
    for hash_seed in (1, 2):
        done, folder = build(tmp_path, "fr", hash_seed, 11)
        assert done.returncode == 0, done.stderr
        folders.append(folder)
    names = {path.name for path in folders[0].iterdir()}
    assert names == {"task.json", "test.jsonl", "cloze_fr.yaml"}
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    task = read_json(folders[0] / "task.json")
    rows = read_json_lines(folders[0] / "test.jsonl")
    assert task["dataset"]["rows"] == len(rows) == 20 - len(task["dropped"]) < 20
    assert f"fr: {20 - len(rows)} dropped, paragraph a11 is missing" in done.stdout
    assert json.dumps(task["dropped"]).count("paragraph a11 is missing") == 20 - len(rows)


def test_script_refuses_a_language_without_items(tmp_path):
    done, folder = build(tmp_path, "fr", 1, 3)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: fr: no item can be built (paragraph a")
    assert not folder.exists()


def test_script_says_that_the_pivot_gives_no_item(tmp_path):
    done, folder = build(tmp_path, "fr", 1, 12, text="one two three four five six seven eight " * 3)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"error: {tmp_path}/corpora/en/test.jsonl: no item can be built (12 par")
    assert "an item needs 4 that go on differently, and these have 1 continuations" in line
    assert not folder.exists()
