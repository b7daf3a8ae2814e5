import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from loopback_hub import COMMIT, Repository, loopback_hub, parquet, rows_repository
from patience import patience
from tiny import write_llama

from multiprune.errors import InputError
from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.model import LoadedModel
from multiprune.evaluation.tasks.running import _spread, prepare, requests_hash
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json, read_json_lines, write_json
from multiprune.models.loading import load_model
from multiprune.models.tokenizer import load_tokenizer
from unit.evaluation.tasks.scripted_models import knows, uniform, write_cloze

SCRIPT = Path(__file__).parents[4] / "scripts" / "fetch_task.py"


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


XNLI = [
    {"premise": f"premise {number}", "hypothesis": "hypothesis", "label": number % 3}
    for number in range(9)
]
PAWS = [
    {"id": 7, "sentence1": "", "sentence2": "b", "label": 0},
    {"id": 9, "sentence1": "A cat .", "sentence2": "The dog", "label": 1},
]
MMLU = [
    {
        "sample_id": f"{subject}/{number}",
        "subject_category": subject,
        "question": "?",
        **{f"option_{letter}": letter for letter in "abcd"},
        "answer": "ABCD"[number],
    }
    for subject in ("STEM", "Business", "Humanities", "Medical", "Other", "Social Sciences")
    for number in range(2)
]
WINOGRAD = [
    {"sentence": "x said that _ won.", "option1": "he", "option2": "she", "answer": answer}
    for answer in "21"
]
CONVERTED = "c0" * 20
STORIES = [
    {
        "story_id": name,
        **{f"input_sentence_{number}": "A day." for number in range(1, 5)},
        "sentence_quiz1": "It rains.",
        "sentence_quiz2": "It snows.",
        "answer_right_ending": number,
    }
    for number, name in enumerate("ab", 1)
]
LAMBADA = [{"text": "one two three"}, {"text": "four five six"}]
HUB = {
    ("facebook/xnli", "fr", "validation"): XNLI,
    ("google-research-datasets/paws-x", "fr", "test"): PAWS,
    ("CohereLabs/Global-MMLU-Lite", "fr", "test"): MMLU,
    ("Muennighoff/xwinograd", "fr", "test"): WINOGRAD,
    ("EleutherAI/lambada_openai", "fr", "test"): LAMBADA,
}


BAD = {
    "cambridgeltl/xcopa": rows_repository("it", "test", [{"a": 1}], gated=True),
    "juletxara/xstory_cloze": Repository(
        {"README.md": b"", "xstory_cloze.py": b"x"},
        converted=Repository({"hi/eval/0000.parquet": parquet(STORIES)}, main=CONVERTED),
    ),
    "facebook/belebele": rows_repository("fra_Latn", "test", [{"text": "a"}]),
}
GOOD = ("xnli", "pawsx", "global_mmlu", "xwinograd", "lambada")
PAIRS = [(task, "fr") for task in (*GOOD, "belebele", "xcopa", "xnly")]
PAIRS += [("xnli", "de"), ("xcopa", "it"), ("xstorycloze", "ru"), ("xstorycloze", "hi")]
# As tasks that may be missing, in this order.
OPTIONAL = [("xnli", "de"), ("xnli", "fr"), ("xstorycloze", "ru"), ("xcopa", "it")]

# lm-eval takes seconds to import, so that one process runs the script's main for all.
EVERY_PAIR = """
import json, sys
import fetch_task
from multiprune.errors import InputError
folder, *places = sys.argv[1:]
lines = {}
for place in places:
    missing, task, language = place.split("/")
    definition = json.dumps({"task": task, "language": language})
    sys.argv = ["fetch_task.py", "--definition", definition, "--cache", f"{folder}/cache"]
    sys.argv += ["--manifest", f"{folder}/{place}/manifest.json", "--missing", missing]
    sys.argv += ["--lock", f"{folder}/{missing}.lock.yaml"]
    try:
        fetch_task.main()
    except InputError as error:
        lines[place] = str(error)
print(json.dumps(lines))
"""


def run(folder, *arguments, **environment):
    """Run Python beside the scripts, with a cache of its own."""
    defaults = {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=os.environ | defaults | environment,
        cwd=SCRIPT.parent,
        capture_output=True,
        text=True,
        timeout=patience(360),
        check=False,
    )


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """PAIRS and OPTIONAL fetched from a loopback hub: their folder and the line of each refusal."""
    folder = tmp_path_factory.mktemp("fetched")
    hub = {
        path: rows_repository(config, split, rows) for (path, config, split), rows in HUB.items()
    }
    with loopback_hub(datasets=hub | BAD) as endpoint:
        places = ["/".join(("fail", *pair)) for pair in PAIRS]
        places += ["/".join(("skip", *pair)) for pair in OPTIONAL]
        done = run(folder, "-c", EVERY_PAIR, folder, *places, HF_ENDPOINT=endpoint)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def prepared(fetched, tmp_path):
    """Function that prepares one of the tasks that were fetched."""
    folder = fetched[0] / "fail"
    return lambda task, limit=None: prepare(folder / task / "fr" / "task.json", limit, tmp_path)


@pytest.mark.slow
class TestTasksOfTheHub:
    def test_manifest_tells_where_the_rows_come_from(self, fetched):
        manifest = read_json(fetched[0] / "fail/xnli/fr/task.json")
        assert manifest["dataset"] == {
            "path": "facebook/xnli",
            "name": "fr",
            "split": "validation",
            "revision": COMMIT,
            "rows": 9,
        }
        assert manifest["lm_eval_task"] == "xnli_fr"

    def test_xnli(self, prepared):
        task = prepared("xnli", None)
        right = measure(knows(lambda row: row["label"]), task)
        assert right["metrics"]["acc"] == {"score": 1.0, "stderr": 0.0}
        assert right["chance"] == pytest.approx(1 / 3)
        assert right["requests"] == 27
        assert right["samples"]["id"] == [str(number) for number in range(9)]
        assert measure(uniform(), task)["metrics"]["acc"]["score"] == pytest.approx(1 / 3)

    def test_pawsx_leaves_out_empty_rows_and_keeps_ids(self, prepared):
        record = measure(knows(lambda row: row["label"]), prepared("pawsx", 40))
        assert record["samples"]["id"] == ["9"]
        assert record["samples"]["target"] == [1]
        assert record["metrics"]["acc"] == {"score": 1.0, "stderr": None}

    def test_global_mmlu_is_a_group(self, prepared):
        task = prepared("global_mmlu", 6)
        record = measure(knows(lambda row: "ABCD".index(row["answer"])), task)
        assert len(task.members) == 6
        assert {key.split("/")[0] for key in record["samples"]["id"]} == {
            row["subject_category"] for row in MMLU
        }
        assert record["samples"]["target"] == [0] * 6
        assert record["metrics"]["acc"]["score"] == 1.0

    def test_xwinograd_chooses_between_contexts(self, prepared):
        record = measure(knows(lambda row: int(row["answer"]) - 1), prepared("xwinograd", 40))
        assert record["samples"]["target"] == [1, 0]
        assert record["metrics"]["acc"]["score"] == 1.0

    def test_lambada_has_no_choices(self, prepared):
        record = measure(uniform(), prepared("lambada", 40))
        assert record["samples"]["log_likelihoods"] is None
        assert record["chance"] is None
        assert record["samples"]["correct"] == {"acc": [0, 0]}

    def test_a_dataset_with_a_script_comes_from_the_conversion_of_the_hub(self, fetched, tmp_path):
        path = fetched[0] / "fail/xstorycloze/hi/task.json"
        dataset = read_json(path)["dataset"]
        assert (dataset["revision"], dataset["converted"], dataset["rows"]) == (
            COMMIT,
            CONVERTED,
            2,
        )
        right = measure(
            knows(lambda row: row["answer_right_ending"] - 1), prepare(path, None, tmp_path)
        )
        assert right["metrics"]["acc"]["score"] == 1.0
        assert right["samples"]["id"] == ["a", "b"]


class TestOptional:
    def test_what_the_hub_does_not_have_is_left_out_with_its_reason(self, fetched):
        for pair, reason in {
            "xnli/de": "'de' not found",
            "xstorycloze/ru": "the hub has no conversion of it",
        }.items():
            task, language = pair.split("/")
            described = read_json(fetched[0] / "skip" / pair / "task.json")
            assert set(described) == {"task", "language", "missing"}
            assert described["missing"].startswith(f"task {task} ({language}): dataset ")
            assert reason in described["missing"]
            assert read_json(fetched[0] / "skip" / pair / "manifest.json")["revision"] is None

    def test_what_it_has_is_as_ever(self, fetched):
        files = [fetched[0] / way / "xnli/fr/task.json" for way in ("fail", "skip")]
        assert len({file.read_text() for file in files}) == 1

    def test_a_licence_that_is_not_accepted_fails(self, fetched):
        folder, lines = fetched
        assert "access is gated" in lines["skip/xcopa/it"]
        assert not (folder / "skip/xcopa/it").exists()

    def test_it_is_asked_for_again_each_time(self, fetched, tmp_path):
        shutil.copytree(fetched[0] / "skip", tmp_path / "skip")
        arguments = ["-c", EVERY_PAIR, tmp_path, "skip/xnli/de"]
        offline = run(tmp_path, *arguments, HF_HUB_OFFLINE="1")
        lines = json.loads(offline.stdout.splitlines()[-1])
        assert "the hub cannot be reached" in lines["skip/xnli/de"]
        hub = {"facebook/xnli": rows_repository("de", "validation", XNLI)}
        with loopback_hub(datasets=hub) as endpoint:
            done = run(tmp_path, *arguments, HF_ENDPOINT=endpoint)
        assert "xnli de: 9 rows" in done.stdout, done.stderr
        assert read_json(tmp_path / "skip/xnli/de/task.json")["dataset"]["rows"] == 9


class TestRefused:
    @pytest.mark.parametrize(
        ("pair", "line"),
        [
            ("xcopa/it", r"task xcopa \(it\): dataset cambridgeltl/xcopa.*access is gated"),
            (
                "xstorycloze/ru",
                r"task xstorycloze \(ru\): dataset juletxara/xstory_cloze, config ru, split eval: "
                "is loaded by a script of its own, .* the hub has no conversion of it",
            ),
            (
                "belebele/fr",
                r"task belebele \(fr\): dataset facebook/belebele, config fra_Latn, split test: "
                "lm-eval cannot read its rows",
            ),
            ("xnli/de", r"task xnli \(de\): dataset facebook/xnli, config de.*'de' not found"),
            ("xcopa/fr", "task xcopa: XCOPA has no fr, only id it sw th tr vi zh"),
            ("xnly/fr", r"unknown task 'xnly': .*did you mean 'xnli'\?"),
        ],
    )
    def test_one_line_and_nothing_left_behind(self, fetched, pair, line):
        folder, lines = fetched
        found = lines[f"fail/{pair}"]
        assert re.match(line, found)
        assert "\n" not in found
        assert not list((folder / "fail" / pair).glob("*"))

    def test_others_go_on(self, fetched):
        folder, lines = fetched
        well = {*(f"{task}/fr" for task in GOOD), "xstorycloze/hi"}
        failed = {f"fail/{pair}" for pair in {"/".join(pair) for pair in PAIRS} - well}
        assert set(lines) == failed | {"skip/xcopa/it"}
        assert all((folder / "fail" / pair / "task.json").is_file() for pair in well)

    def test_offline(self, tmp_path):
        definition = json.dumps({"task": "xnli", "language": "fr"})
        options = ["--definition", definition, "--cache", tmp_path / "cache"]
        options += ["--manifest", tmp_path / "xnli" / "fr" / "manifest.json"]
        options += ["--lock", tmp_path / "paper.lock.yaml"]
        done = run(tmp_path, SCRIPT, *options, HF_HUB_OFFLINE="1")
        assert done.returncode == 1
        expected = "error: task xnli (fr): dataset facebook/xnli: the hub cannot be reached"
        assert done.stderr.splitlines()[-1].startswith(expected)


def test_log_likelihoods_must_be_finite(tmp_path):
    broken = knows(lambda row: 9)
    broken.answer = lambda request: math.nan
    with pytest.raises(InputError, match="cloze_en: a log-likelihood is not finite"):
        measure(broken, prepare(write_cloze(tmp_path), 4, tmp_path / "cache"))


@pytest.mark.slow
class TestLockAndPreflight:
    def test_the_commit_of_a_dataset_is_locked_once_for_all_languages(self, fetched):
        lock = yaml.safe_load((fetched[0] / "fail.lock.yaml").read_text())
        assert set(lock) == {f"tasks/{task}" for task in (*GOOD, "xstorycloze")}
        assert lock["tasks/xnli"] == {"repo": "facebook/xnli", "revision": "main", "commit": COMMIT}

    def test_preflight_names_what_cannot_be_fetched(self, tmp_path):
        pairs = [["xnli", "fr"], ["xcopa", "it"], ["xstorycloze", "ru"], ["xnli", "de"]]
        pairs += [["belebele", "de"], ["xstorycloze", "hi"]]
        hub = {
            path: rows_repository(config, split, rows)
            for (path, config, split), rows in HUB.items()
        }
        with loopback_hub(datasets=hub | BAD) as endpoint:
            done = run(
                tmp_path, SCRIPT.parent / "preflight.py", "--models", "{}", "--texts", "{}",
                "--tasks", json.dumps(pairs), "--optional", json.dumps(["belebele"]),
                "--resources", tmp_path / "resources",
                "--lock", tmp_path / "paper.lock.yaml", "--output", tmp_path / "preflight.csv",
                HF_ENDPOINT=endpoint,
            )  # fmt: skip
        assert done.returncode == 1
        lines = done.stdout.splitlines()
        assert lines[0] == f"ok     task     xnli/fr: commit {COMMIT}"
        assert lines[1].startswith("FAILED task     xcopa/it: dataset cambridgeltl/xcopa")
        assert "access is gated" in lines[1]
        assert "is loaded by a script of its own" in lines[2]
        assert "'de' not found" in lines[3]
        assert lines[4].startswith("ok     task     belebele/de: will be left out (dataset")
        assert lines[5] == f"ok     task     xstorycloze/hi: commit {COMMIT}"
        assert not (tmp_path / "resources").exists()
