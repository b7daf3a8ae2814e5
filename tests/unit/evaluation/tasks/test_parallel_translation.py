"""A task in which models write translations: its items, and the way from prompt to score."""

import json

import numpy as np
import pytest
import sacrebleu
from lm_eval.api.instance import Instance
from script_calls import call, refusal
from tiny import byte_tokenizer, learn, write_llama

from multiprune.evaluation.downstream_runs import read_record
from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.model import LoadedModel
from multiprune.evaluation.tasks.parallel_translation import documents, plan_items
from multiprune.evaluation.tasks.running import UnscorableError, prepare
from multiprune.files.json import read_json_lines, write_json, write_json_lines
from multiprune.files.manifests import write_manifest
from multiprune.models.loading import load_model
from unit.evaluation.tasks.scripted_models import ScriptedModel

PIVOT = {f"p{number}": f"The house number {number} is white." for number in range(6)}
PIVOT |= {"p9": "Too short."}
GERMAN = {name: text.replace("The house number", "Das Haus Nummer") for name, text in PIVOT.items()}
ASKED = {"items": 40, "shots": 1, "longest_characters": 100}
NAMES = {"source": "German", "target": "English"}


def plan(pivot=None, **changed):
    return plan_items(pivot or PIVOT, **{**ASKED, **NAMES, "seed": 0, **changed})


def test_items_by_hand():
    rows, dropped = documents(plan(), GERMAN)
    assert dropped == {}
    assert sorted(row["id"] for row in rows) == ["p2", "p3", "p4", "p5"]  # two are kept to show
    [row] = [row for row in rows if row["id"] == "p3"]
    assert row["reference"] == PIVOT["p3"]
    assert row["context"].split("\n") == [
        f"German: {GERMAN['p0']}", f"English: {PIVOT['p0']}", f"German: {GERMAN['p3']}", "English:",
    ]  # fmt: skip


def test_fewer_items_are_the_first_of_more():
    assert plan(items=2) == plan()[:2]
    assert plan(seed=1) != plan()


def test_what_a_language_lacks():
    text = {name: GERMAN[name] for name in ("p1", "p2", "p3")} | {"p4": PIVOT["p4"]}
    rows, dropped = documents(plan(), text)
    assert {row["id"] for row in rows} == {"p2", "p3"}
    assert all(f"English: {PIVOT['p1']}\n" in row["context"] for row in rows)  # p0 is missing
    assert dropped == {"p4": "it is not translated", "p5": "paragraph p5 is missing"}
    rows, dropped = documents(plan(shots=2), {"p0": "x", "p5": "y"})
    assert rows == []
    assert set(dropped.values()) == {"1 of 2 paragraphs to show are there"}


@pytest.fixture
def build(tmp_path):
    """Function that runs the script over PIVOT and a text, and returns where task.json is."""

    def run(text=None, refused=False, **changed):
        for name, content in (("en", PIVOT), ("de", text or GERMAN)):
            rows = [{"id": key, "text": value} for key, value in content.items()]
            write_json_lines(tmp_path / name / "test.jsonl", rows)
            write_manifest(tmp_path / name, {})
        settings = {"kind": "parallel_translation", **ASKED, **NAMES, **changed}
        arguments = [
            *("--pivot", tmp_path / "en/test.jsonl", "--text", tmp_path / "de/test.jsonl"),
            *("--language", "de", "--task", "translation", "--settings", json.dumps(settings)),
            *("--seed", 0, "--output", tmp_path / "task/task.json"),
        ]
        if refused:
            return refusal("build_parallel_task", *arguments)
        assert call("build_parallel_task", *arguments)[0] == 0
        return tmp_path / "task/task.json"

    return run


class Writer(ScriptedModel):
    """Writes what a function of the row says."""

    def generate_until(self, requests):
        return [self.answer(request.doc) for request in requests]


def measured(build, tmp_path, answer):
    task = prepare(build(), None, tmp_path / "cache")
    record = measure(Writer(answer), task)
    write_json(tmp_path / "record.json", record)
    return record, read_record(tmp_path / "record.json")


def test_scores_are_those_of_sacrebleu(build, tmp_path):
    record, read = measured(build, tmp_path, lambda row: row["reference"].replace("white", "red"))
    rows = read_json_lines(tmp_path / "task/test.jsonl")
    written = [row["reference"].replace("white", "red") for row in rows]
    references = [[row["reference"] for row in rows]]
    assert record["samples"]["written"] == written
    found = {name: entry["score"] for name, entry in record["metrics"].items()}
    assert found == {
        "bleu": pytest.approx(sacrebleu.corpus_bleu(written, references, force=True).score),
        "chrf": pytest.approx(sacrebleu.corpus_chrf(written, references).score),
    }
    assert record["requests"] == len(rows) == 4
    assert read.target is None
    assert read.log_likelihoods is None
    assert {name: rows.shape[0] for name, rows in read.counts.items()} == {"bleu": 4, "chrf": 4}


@pytest.mark.parametrize(("answer", "score"), [(lambda row: row["reference"], 100), (str, 0)])
def test_the_best_and_the_worst_translation(build, tmp_path, answer, score):
    record, read = measured(build, tmp_path, answer if score else lambda row: "")
    for metric, entry in record["metrics"].items():
        assert entry["score"] == pytest.approx(score)
        assert np.isnan(read.scores[metric][1])


def test_a_text_that_gives_no_item_is_one_line(build):
    assert "no item can be built (6 different paragraphs" in build(refused=True, shots=3)


def test_a_model_that_has_learnt_the_answer_writes_it(build, tmp_path):
    """From prompt to score with a real model; the line ends what is written."""
    row = read_json_lines(build().parent / "test.jsonl")[0]
    folder = write_llama(tmp_path / "model", max_position_embeddings=256)
    learn(folder, [f"{row['context']} {row['reference']}\nGerman: "])
    model = LoadedModel(load_model(folder), byte_tokenizer(), 3)
    record = measure(model, prepare(tmp_path / "task/task.json", None, tmp_path / "cache"))
    written = dict(zip(record["samples"]["id"], record["samples"]["written"], strict=True))
    assert written[row["id"]] == row["reference"]


def test_a_prompt_that_leaves_no_room_loses_its_beginning(tmp_path):
    model = LoadedModel(
        load_model(write_llama(tmp_path / "m", max_position_embeddings=40)), byte_tokenizer(), 2
    )
    options = {"until": ["\n"], "max_gen_toks": 16, "do_sample": False}
    requests = [
        Instance("generate_until", {}, (text, options), 0) for text in ("short", "long " * 20)
    ]
    assert len(model.generate_until(requests)) == 2
    assert model.truncated == 1
    whole = [Instance("generate_until", {}, ("short", options | {"max_gen_toks": 40}), 0)]
    with pytest.raises(UnscorableError, match="40 tokens are written, the model has 40 positions"):
        model.generate_until(whole)
