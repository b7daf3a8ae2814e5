import json
import sys

import numpy as np
import pytest
import torch
from tiny import forget, learn, write_llama

import evaluate_downstream
from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.model import LoadedModel
from multiprune.evaluation.tasks.running import prepare
from multiprune.experiment.harness_tasks import OWN
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json, read_json_lines, write_json, write_json_lines
from multiprune.files.manifests import write_manifest
from multiprune.models.loading import load_model
from multiprune.models.tokenization import first_tokens
from multiprune.models.tokenizer import load_tokenizer
from unit.evaluation.tasks.scripted_models import (
    ScriptedModel,
    four_letter_text,
    knows,
    uniform,
    write_cloze,
)

CHOICES = ("Yes", "Also", "No")  # entailment, neutral, contradiction


@pytest.fixture
def task(tmp_path):
    """Sixteen items of a parallel_cloze."""
    return prepare(write_cloze(tmp_path / "task"), None, tmp_path / "cache")


class TestMeasure:
    def test_a_model_that_knows_every_answer(self, task):
        record = measure(knows(lambda row: row["answer"]), task)
        assert record["metrics"] == {
            "acc": {"score": 1.0, "stderr": 0.0},
            "acc_norm": {"score": 1.0, "stderr": 0.0},
        }
        assert record["chance"] == 0.25
        assert record["requests"] == 64
        assert record["truncated"] == 0

    def test_a_model_that_finds_all_alike_scores_chance(self, task):
        record = measure(uniform(), task)
        assert record["metrics"]["acc"]["score"] == record["chance"] == 0.25
        # Four of sixteen right: sqrt(16 / 15 * 1/4 * 3/4 / 16) = sqrt(1/80).
        assert record["metrics"]["acc"]["stderr"] == pytest.approx((1 / 80) ** 0.5)

    def test_each_item_is_kept(self, task, tmp_path):
        rows = read_json_lines(tmp_path / "task" / "test.jsonl")
        record = measure(ScriptedModel(lambda request: -float(request.idx)), task)["samples"]
        assert record["id"] == [row["id"] for row in rows]
        assert record["target"] == [row["answer"] for row in rows]
        assert record["log_likelihoods"] == [[0.0, -1.0, -2.0, -3.0]] * 16
        assert record["correct"]["acc"] == [int(row["answer"] == 0) for row in rows]

    def test_acc_norm_divides_by_characters(self, tmp_path):
        manifest = write_cloze(tmp_path / "task")
        rows = read_json_lines(tmp_path / "task" / "test.jsonl")
        rows[0] |= {"choices": ["ab", "abcdefghij", "c", "d"], "answer": 1}
        (tmp_path / "task" / "test.jsonl").write_text(json.dumps(rows[0]) + "\n")
        changed = {"sha256": sha256_file(tmp_path / "task" / "test.jsonl")}
        write_json(manifest, read_json(manifest) | changed)
        # -4 / 10 beats -2 / 2, while -2 beats -4.
        scripted = ScriptedModel(lambda request: [-2.0, -4.0, -9.0, -9.0][request.idx])
        record = measure(scripted, prepare(manifest, None, tmp_path / "cache"))
        assert record["samples"]["correct"] == {"acc": [0], "acc_norm": [1]}
        assert record["metrics"]["acc"] == {"score": 0.0, "stderr": None}


@pytest.mark.slow
def test_whole_prompts_are_scored_by_the_mean_of_their_tokens(tmp_path):
    """XNLI as Kim et al. ask it, against each token's log-probability, one text at a time."""
    rows = [
        {"premise": f"It is a '{word}'", "hypothesis": f"{word} is", "label": number % 3}
        for number, word in enumerate(("dog", "very old cat", "ox"))
    ]
    write_json_lines(tmp_path / "test.jsonl", rows)
    task = {
        "task": "xnli_whole_prompt",
        "language": "sw",
        "lm_eval_task": "xnli_whole_prompt",
        "harness_folder": OWN,
        "format": "json",
        "file": "test.jsonl",
        "sha256": sha256_file(tmp_path / "test.jsonl"),
        "id": [],
        "dataset": {"path": "facebook/xnli", "name": "sw", "split": "test", "revision": "main"},
    }
    write_json(tmp_path / "task.json", task)
    write_llama(tmp_path / "model")
    model, tokenizer = load_model(tmp_path / "model"), load_tokenizer(tmp_path / "model")
    prepared = prepare(tmp_path / "task.json", None, tmp_path / "cache")
    record = measure(LoadedModel(model, tokenizer, 4), prepared)

    def mean(text: str) -> float:
        ids = torch.tensor([first_tokens(tokenizer) + tokenizer(text).input_ids])
        with torch.no_grad():
            scores = model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
        return float(scores.gather(1, ids[0, 1:, None]).mean())

    expected = [
        [mean(f"{row['premise']} , right? {word} , {row['hypothesis']}") for word in CHOICES]
        for row in rows
    ]
    samples = record["samples"]
    np.testing.assert_allclose(samples["log_likelihoods"], expected, rtol=1e-5)
    assert samples["target"] == [0, 1, 2]
    right = [int(np.argmax(row) == place) for place, row in enumerate(expected)]
    assert samples["correct"] == {"acc": right}
    assert record["metrics"]["acc"]["score"] == pytest.approx(sum(right) / 3)


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    """Function that runs the script's main as the rule does: the record and what is said."""

    def run(model, output="out"):
        options = {
            "model": model,
            "dtype": "auto",
            "mask": None,
            "seed": 0,
            "method": "dense",
            "sparsity": 0,
            "task": "cloze",
            "tasks-folder": tmp_path / "tasks",
            "languages": '["en"]',
            "limit": 16,
            "batch-size": 4,
            "threads": 1,
            "cache": tmp_path / "cache",
            "output": tmp_path / output,
        }
        arguments = [
            part
            for key, value in options.items()
            for part in ([f"--{key}"] if value is None else [f"--{key}", str(value)])
        ]
        monkeypatch.setattr(sys, "argv", ["evaluate_downstream.py", *arguments])
        evaluate_downstream.main()
        return read_json(tmp_path / output / "en.json"), capsys.readouterr().out

    return run


@pytest.mark.slow
class TestWholeScript:
    """Real models: one that has learnt the text by heart, one for which every token is alike."""

    def test_knowing_model_and_then_the_cache(self, tmp_path, evaluate, monkeypatch):
        model = write_llama(tmp_path / "model", hidden_size=64, intermediate_size=128)
        learn(model, [four_letter_text(number) for number in range(16)])
        write_manifest(model, {})
        write_cloze(tmp_path / "tasks" / "en")
        record, said = evaluate(model)
        assert {name: values["score"] for name, values in record["metrics"].items()} == {
            "acc": 1.0,
            "acc_norm": 1.0,
        }
        assert said == "en: acc 1.000, acc_norm 1.000 on 16 items (computed)\n"
        assert (record["lm_eval_task"], record["task_version"]) == ("cloze_en", "1.1")
        assert (record["limit"], record["requests"], record["chance"]) == (16, 64, 0.25)

        # Everything is in the cache now, so that a model which cannot be loaded is not missed.
        monkeypatch.delattr(evaluate_downstream, "load_pruned")
        again, said = evaluate(model, output="again")
        assert again == record
        assert "kept from an earlier run" in said

    def test_shortened_prompts_are_counted_and_said(self, tmp_path, evaluate):
        """Contexts of 39 bytes and choices of 20 with their blank, for a model of 32 positions."""
        model = write_llama(tmp_path / "model", max_position_embeddings=32)
        write_manifest(model, {})
        write_cloze(tmp_path / "tasks" / "en")
        record, said = evaluate(model)
        assert record["truncated"] == 16
        assert said.splitlines()[1] == (
            "en: 16 of them with a prompt that is longer than the model's positions and lost its "
            "beginning"
        )

    def test_uniform_model_scores_chance(self, tmp_path, evaluate):
        model = write_llama(tmp_path / "model")
        forget(model)
        write_manifest(model, {})
        write_cloze(tmp_path / "tasks" / "en")
        record, _ = evaluate(model)
        scores = record["metrics"]
        assert scores["acc"]["score"] == scores["acc_norm"]["score"] == record["chance"] == 0.25
