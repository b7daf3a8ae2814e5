import math
from pathlib import Path

import pytest
import torch
from tiny import write_llama

from multiprune.errors import InputError
from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.model import LoadedModel
from multiprune.evaluation.tasks.running import _spread, prepare, requests_hash
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json, read_json_lines, write_json
from multiprune.models.loading import load_model
from multiprune.models.tokenizer import load_tokenizer
from unit.evaluation.tasks.scripted_models import knows, write_cloze


class TestPrepared:
    def test_any_folder_and_working_directory(self, tmp_path, monkeypatch):
        write_cloze(tmp_path / "built")
        (tmp_path / "built").rename(tmp_path / "moved")
        monkeypatch.chdir(tmp_path)
        task = prepare(Path("moved/task.json"), None, tmp_path / "cache")
        assert [len(chosen) for chosen in task.chosen.values()] == [16]
        assert task.version == "1.1"

    @pytest.mark.parametrize("name", ["test.jsonl", "cloze_en.yaml"])
    def test_rows_and_prompts_of_another_task_are_refused(self, tmp_path, name):
        manifest = write_cloze(tmp_path)
        with open(tmp_path / name, "a") as file:
            file.write("\n")
        with pytest.raises(InputError, match=rf"{name}: is missing or not what .*task.json"):
            prepare(manifest, None, tmp_path / "cache")
        # Both, so that the same command builds both again.
        assert not manifest.exists()
        found = {path.name for path in tmp_path.glob("*.corrupt")}
        assert found == {"task.json.corrupt", f"{name}.corrupt"}

    @pytest.mark.parametrize(
        "change",
        [
            {"harness_folder": "/tmp/elsewhere"},
            {"harness_folder": "../elsewhere"},
            {"file": "../test.jsonl"},
            {"file": {}},
            {"harness_file": "/etc/passwd"},
            {"format": "org/dataset"},
            {"dataset": None},
            {"id": "id"},
            {"lm_eval_task": None},
        ],
        ids=str,
    )
    def test_a_description_that_leads_elsewhere_is_set_aside(self, tmp_path, change):
        manifest = write_cloze(tmp_path)
        write_json(manifest, read_json(manifest) | change)
        with pytest.raises(InputError, match=r"task.json: does not describe a task .*; set aside"):
            prepare(manifest, None, tmp_path / "cache")
        assert (tmp_path / "test.jsonl").exists()

    def test_an_empty_description_is_set_aside(self, tmp_path):
        (tmp_path / "task.json").write_text("{}")
        with pytest.raises(InputError, match=r"task.json: does not describe a task"):
            prepare(tmp_path / "task.json", None, tmp_path / "cache")

    @pytest.mark.parametrize(
        "line",
        [
            "process_docs: !function evil.run",
            "include: /tmp/evil.yaml",
            'target_delimiter: "\\n"',  # of the other kind, which has another version
        ],
    )
    def test_a_yaml_that_is_not_ours_is_not_run(self, tmp_path, line):
        manifest = write_cloze(tmp_path)
        harness = tmp_path / "cloze_en.yaml"
        harness.write_text(harness.read_text() + line + "\n")
        (tmp_path / "evil.py").write_text("open('ran', 'w')\nrun = None\n")
        changed = {"harness_sha256": sha256_file(harness)}
        write_json(manifest, read_json(manifest) | changed)
        with pytest.raises(
            InputError, match=r"cloze_en.yaml: is not how cloze \(en\) is asked here"
        ):
            prepare(manifest, None, tmp_path / "cache")
        assert not list(tmp_path.rglob("ran"))

    def test_hash_follows_what_is_asked(self, tmp_path):
        manifest = write_cloze(tmp_path / "a")
        hashes = [requests_hash(prepare(manifest, limit, tmp_path / "c")) for limit in (4, 4, 5)]
        assert hashes[0] == hashes[1] != hashes[2]
        write_cloze(tmp_path / "b", paragraphs=15)
        other = prepare(tmp_path / "b" / "task.json", 4, tmp_path / "d")
        assert requests_hash(other) != hashes[0]

    @pytest.mark.parametrize(
        ("limit", "expected"),
        [(None, [2, 10, 4]), (7, [2, 2, 3]), (2, [1, None, 1]), (16, [2, 10, 4]), (15, [2, 9, 4])],
    )
    def test_limit_is_spread_over_the_members_of_a_group(self, limit, expected):
        class Member:
            def __init__(self, size):
                self.eval_docs = range(size)

        chosen = _spread({"a": Member(2), "b": Member(10), "c": Member(4)}, limit)
        found = [len(chosen[name]) if name in chosen else None for name in "abc"]
        assert sum(filter(None, found)) == (16 if limit is None else limit)
        assert found == expected


def test_log_likelihoods_are_those_of_the_model_alone(tmp_path):
    """lm-eval batches, sorts and pads; here each choice is scored by itself."""
    write_llama(tmp_path / "model")
    model, tokenizer = load_model(tmp_path / "model"), load_tokenizer(tmp_path / "model")
    task = prepare(write_cloze(tmp_path / "task"), 6, tmp_path / "cache")
    record = measure(LoadedModel(model, tokenizer, batch_size=5), task)
    for row, found in zip(
        read_json_lines(tmp_path / "task" / "test.jsonl")[:6],
        record["samples"]["log_likelihoods"],
        strict=True,
    ):
        expected = []
        for choice in row["choices"]:
            before = len(tokenizer(row["context"])["input_ids"])
            ids = torch.tensor(tokenizer(f"{row['context']} {choice}")["input_ids"])
            with torch.no_grad():
                scores = model(ids[None]).logits[0].log_softmax(-1)
            expected.append(sum(float(scores[at - 1, ids[at]]) for at in range(before, len(ids))))
        assert found == pytest.approx(expected, abs=1e-3)


def test_log_likelihoods_must_be_finite(tmp_path):
    broken = knows(lambda row: 9)
    broken.answer = lambda request: math.nan
    with pytest.raises(InputError, match="cloze_en: a log-likelihood is not finite"):
        measure(broken, prepare(write_cloze(tmp_path), 4, tmp_path / "cache"))
