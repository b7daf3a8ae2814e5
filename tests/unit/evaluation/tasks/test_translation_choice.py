import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from script_calls import call, refusal

import build_parallel_task
from multiprune.evaluation.tasks.running import prepare, right_choice
from multiprune.evaluation.tasks.translation_choice import (
    GROUP,
    Item,
    documents,
    plan_items,
    sentences,
    why_none_is_planned,
)
from multiprune.files.json import read_json, read_json_lines, write_json_lines
from multiprune.files.manifests import write_manifest

PIVOT = {
    "a": "The house is very large.",
    "b": "A dog sleeps in the sun.",
    "c": "Nobody knows the answer.",
    "d": "Rain fell on every roof.",
    "e": "Too short to ask.",
}
GERMAN = {
    "a": "Das Haus ist sehr groß.",
    "b": "Ein Hund schläft in der Sonne.",
    "c": "Niemand kennt die Antwort.",
    "d": "Regen fiel auf jedes Dach.",
    "e": "Zu kurz.",
}


def pivot(count=40):
    """Texts of 30 to 30 + count - 1 characters, in an order that is not that of their lengths."""
    numbers = [number * 7 % count for number in range(count)]
    return {f"p{number:02d}": f"{number:02d} ".ljust(30 + number, "x") for number in numbers}


def translated(mark):
    return {name: f"{mark} {name}" for name in pivot()}


class TestByHand:
    def test_four_sentences_are_all_that_can_be_asked(self):
        plan = plan_items(PIVOT, 40, 100, 0)
        assert sorted(item.id for item in plan) == ["a", "b", "c", "d"]
        for item in plan:
            assert item.context == PIVOT[item.id]
            assert sorted([item.id, *item.distractors]) == ["a", "b", "c", "d"]
        assert sorted(item.answer for item in plan) == [0, 1, 2, 3]

    def test_rows(self):
        plan = [
            Item("a", PIVOT["a"], ("c", "b", "d"), 1),
            Item("c", PIVOT["c"], ("a", "b", "d"), 3),
        ]
        rows, dropped = documents(plan, GERMAN)
        assert dropped == {}
        assert rows == [
            {
                "id": "a",
                "context": "The house is very large.",
                "choices": [GERMAN["c"], GERMAN["a"], GERMAN["b"], GERMAN["d"]],
                "answer": 1,
            },
            {
                "id": "c",
                "context": "Nobody knows the answer.",
                "choices": [GERMAN["a"], GERMAN["b"], GERMAN["d"], GERMAN["c"]],
                "answer": 3,
            },
        ]

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"b": None}, "paragraph b is missing"),
            ({"b": GERMAN["d"]}, "two of its choices are alike"),
            ({"a": PIVOT["a"]}, "a choice is not translated"),
        ],
    )
    def test_what_is_dropped_has_a_reason(self, change, reason):
        plan = [Item("a", PIVOT["a"], ("c", "b", "d"), 1)]
        text = {name: text for name, text in (GERMAN | change).items() if text}
        assert documents(plan, text) == ([], {"a": reason})


class TestPlan:
    def test_every_place_is_right_once_in_four_items(self):
        places = [item.answer for item in plan_items(pivot(), 40, 100, 3)]
        assert [sorted(places[start : start + 4]) for start in range(0, 40, 4)] == [
            [0, 1, 2, 3]
        ] * 10

    def test_only_what_is_neither_too_short_nor_too_long_is_asked(self):
        text = {
            "a": "x" * 19,
            "b": "x" * 20,
            "c": "x" * 60,
            "d": "x" * 61,
            "e": "x" * 20,
        }
        assert list(sentences(text, 60)) == ["b", "c"]

    def test_a_text_of_several_paragraphs_is_asked_once(self):
        text = pivot() | {f"again{name}": text for name, text in pivot().items()}
        assert plan_items(text, 99, 100, 0) == plan_items(pivot(), 99, 100, 0)

    def test_distractors_are_near_in_length(self):
        """Forty lengths in a row make five groups of eight."""
        lengths = {name: len(text) for name, text in pivot().items()}
        for item in plan_items(pivot(), 40, 100, 0):
            group = (lengths[item.id] - 30) // GROUP
            assert {(lengths[name] - 30) // GROUP for name in item.distractors} == {group}
            assert len({item.id, *item.distractors}) == 4

    def test_no_place_in_the_order_of_lengths_is_right_more_often(self):
        ranks = Counter()
        for seed in range(100):
            for item in plan_items(pivot(), 40, 100, seed):
                ranks[sorted([item.id, *item.distractors]).index(item.id)] += 1
        assert all(900 < ranks[rank] < 1100 for rank in range(4)), ranks

    @pytest.mark.parametrize(("count", "least"), [(4, 4), (15, 15), (16, 8), (17, 8), (31, 10)])
    def test_groups_have_eight_sentences_if_there_are_as_many(self, count, least):
        others = {}
        for seed in range(60):
            for item in plan_items(pivot(count), count, 100, seed):
                others.setdefault(item.id, {item.id}).update(item.distractors)
        groups = set(map(frozenset, others.values()))
        assert sum(map(len, groups)) == count
        assert min(map(len, groups)) == least

    def test_seed_matters_and_repeats(self):
        plans = [plan_items(pivot(), 20, 100, seed) for seed in (0, 0, 1)]
        assert plans[0] == plans[1] != plans[2]

    def test_fewer_items_are_the_first_of_more(self):
        few, many = (plan_items(pivot(), items, 100, 0) for items in (10, 30))
        assert few == many[:10]

    @pytest.mark.parametrize(
        ("text", "found"), [({}, 0), (pivot(3), 3), (dict.fromkeys("abcdef", "x" * 30), 1)]
    )
    def test_why_a_pivot_gives_none(self, text, found):
        assert plan_items(text, 40, 90, 0) == []
        assert why_none_is_planned(text, 90) == (
            f"no item can be built ({found} different paragraphs have 20 to 90 characters, an item "
            "needs 4); use a longer parallel text, or raise longest_characters"
        )


class TestLanguages:
    def test_items_are_the_same_in_all(self):
        plan = plan_items(pivot(), 40, 100, 0)
        mine, theirs = (documents(plan, translated(mark))[0] for mark in ("de", "a longer text"))
        for one, other in zip(mine, theirs, strict=True):
            assert (one["id"], one["context"]) == (other["id"], other["context"])
            assert one["answer"] == other["answer"]
            assert [choice.split()[-1] for choice in one["choices"]] == [
                choice.split()[-1] for choice in other["choices"]
            ]
            assert one["choices"][one["answer"]] == f"de {one['id']}"

    @given(st.sets(st.sampled_from(sorted(pivot())), max_size=39))
    def test_missing_paragraphs_drop_only_the_items_that_need_them(self, missing):
        plan, text = plan_items(pivot(), 40, 100, 0), translated("de")
        rows, dropped = documents(plan, {k: v for k, v in text.items() if k not in missing})
        need = {item.id: {item.id, *item.distractors} for item in plan}
        assert set(dropped) == {name for name, used in need.items() if used & missing}
        assert rows == [row for row in documents(plan, text)[0] if row["id"] not in dropped]


@pytest.fixture
def corpora(tmp_path):
    """English as in `pivot`, French that lacks a paragraph in the middle, German three of them."""
    english, french = pivot(), translated("fr")
    del french["p20"]
    german = {name: f"de {name}" for name in list(english)[:3]}
    for code, texts in (("en", english), ("fr", french), ("de", german)):
        folder = tmp_path / code
        write_json_lines(
            folder / "test.jsonl", [{"id": name, "text": text} for name, text in texts.items()]
        )
        write_manifest(folder, {})
    return tmp_path


def building(corpora, language, **settings):
    settings = {"kind": "translation_choice", "items": 40, "longest_characters": 100} | settings
    options = {
        "pivot": corpora / "en/test.jsonl", "text": corpora / language / "test.jsonl",
        "language": language, "task": "pick", "settings": json.dumps(settings), "seed": 0,
        "output": corpora / "built" / language / "task.json",
    }  # fmt: skip
    return [f"--{key}={value}" for key, value in options.items()]


def test_script_writes_the_items_and_reports_what_it_drops(corpora, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["build_parallel_task", *building(corpora, "fr")])
    build_parallel_task.main()
    folder = corpora / "built/fr"
    assert {path.name for path in folder.iterdir()} == {"task.json", "test.jsonl", "pick_fr.yaml"}
    plan = plan_items(pivot(), 40, 100, 0)
    text = {name: text for name, text in translated("fr").items() if name != "p20"}
    rows, dropped = documents(plan, text)
    assert read_json_lines(folder / "test.jsonl") == rows
    task = read_json(folder / "task.json")
    assert (task["planned"], task["dropped"]) == (40, dropped)
    assert set(dropped.values()) == {"paragraph p20 is missing"}
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"fr: {len(rows)} items of 40 (at most 40 asked)"
    assert printed[2:] == [f"fr: {len(dropped)} dropped, paragraph p20 is missing"]


def test_choices_are_asked_on_a_line_of_their_own(corpora):
    assert call("build_parallel_task", *building(corpora, "fr"))[0] == 0
    task = prepare(corpora / "built/fr/task.json", 3, corpora / "cache")
    rows = read_json_lines(corpora / "built/fr/test.jsonl")[:3]
    (member,) = task.members.values()
    member.build_all_requests(samples=range(3))
    assert [instance.args for instance in member.instances] == [
        (row["context"], f"\n{choice}") for row in rows for choice in row["choices"]
    ]
    assert [right_choice(member, row) for row in rows] == [row["answer"] for row in rows]


@pytest.mark.parametrize(
    ("language", "settings", "said"),
    [
        ("de", {}, "error: de: no item can be built (paragraph p"),
        ("fr", {"longest_characters": 32}, "error: {}/en/test.jsonl: no item can be built (3 diff"),
        ("fr", {"kind": "choice"}, "error: unknown kind of task 'choice': allowed are parallel_cl"),
    ],
)
def test_script_refuses(corpora, language, settings, said):
    line = refusal("build_parallel_task", *building(corpora, language, **settings))
    assert line.startswith(said.format(corpora))
    assert not (corpora / "built").exists()
