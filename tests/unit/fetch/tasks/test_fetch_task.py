"""Tasks of the hub, from a stand-in for it on this machine to what a model answers."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from loopback_hub import COMMIT, CONVERSION, Repository, loopback_hub, parquet, rows_repository
from patience import patience

from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.running import prepare
from multiprune.files.json import read_json
from unit.evaluation.tasks.scripted_models import knows, uniform

SCRIPT = Path(__file__).parents[4] / "scripts" / "fetch_task.py"

XNLI = [
    {"premise": f"premise {number}", "hypothesis": "hypothesis", "label": number % 3}
    for number in range(9)
]
XNLI_SPLITS = {"validation": XNLI, "test": XNLI[:6]}
XNLI_CARD = b"""---
configs:
- config_name: fr
  data_files:
  - {split: validation, path: fr-validation-*}
  - {split: test, path: fr-test-*}
---
"""
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
GOOD = ("xnli", "xnli_whole_prompt", "pawsx", "global_mmlu", "xwinograd", "lambada")
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


def good_repositories():
    """Those of HUB, and XNLI with two splits."""
    splits = [rows_repository("fr", split, rows).files for split, rows in XNLI_SPLITS.items()]
    xnli = Repository(splits[0] | splits[1] | {"README.md": XNLI_CARD})
    return {"facebook/xnli": xnli} | {
        path: rows_repository(config, split, rows) for (path, config, split), rows in HUB.items()
    }


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
    with loopback_hub(datasets=good_repositories() | BAD) as endpoint:
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

    def test_xnli_in_the_form_of_kim_et_al_is_the_test_split(self, fetched, prepared):
        manifest = read_json(fetched[0] / "fail/xnli_whole_prompt/fr/task.json")
        dataset = manifest["dataset"]
        assert (dataset["name"], dataset["split"], dataset["rows"]) == ("fr", "test", 6)
        [member] = prepared("xnli_whole_prompt").members.values()
        assert member.doc_to_choice(XNLI[0]) == [
            f"premise 0 , right? {word} , hypothesis" for word in ("Yes", "Also", "No")
        ]

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

    def test_it_is_asked_for_again_when_its_folder_is_removed(self, fetched, tmp_path):
        shutil.copytree(fetched[0] / "skip", tmp_path / "skip")
        arguments = ["-c", EVERY_PAIR, tmp_path, "skip/xnli/de"]
        (tmp_path / "fail").symlink_to("skip")
        hub = {"facebook/xnli": rows_repository("de", "validation", XNLI)}
        with loopback_hub(datasets=hub) as endpoint:
            done = run(tmp_path, *arguments, "fail/xnli/de", HF_ENDPOINT=endpoint)
            assert "xnli de: left out (" in done.stdout, done.stderr
            lines = json.loads(done.stdout.splitlines()[-1])
            shutil.rmtree(tmp_path / "skip/xnli/de")
            again = run(tmp_path, *arguments, HF_ENDPOINT=endpoint)
        assert re.match(r"left out earlier \(.*; remove .*/de to ask", lines["fail/xnli/de"])
        assert "xnli de: 9 rows" in again.stdout, again.stderr

    @pytest.mark.parametrize(("optional", "state"), [(["xnli"], "ok     "), ([], "FAILED ")])
    def test_preflight_says_so_and_asks_nobody(self, fetched, tmp_path, optional, state):
        shutil.copytree(fetched[0] / "skip", tmp_path / "resources/tasks")
        done = run(
            tmp_path, SCRIPT.parent / "preflight.py", "--models", "{}", "--texts", "{}",
            "--tasks", json.dumps([["xnli", "de"], ["xnli", "fr"]]),
            "--optional", json.dumps(optional), "--resources", tmp_path / "resources",
            "--lock", tmp_path / "paper.lock.yaml", "--output", tmp_path / "preflight.csv",
            HF_HUB_OFFLINE="1",
        )  # fmt: skip
        lines = done.stdout.splitlines()
        assert lines[0].startswith(f"{state}task     xnli/de: left out earlier (task xnli (de): ")
        assert lines[0].endswith("resources/tasks/xnli/de to ask the hub again")
        assert lines[1] == "ok     task     xnli/fr: fetched already"
        assert done.returncode == (0 if optional else 1)


@pytest.mark.slow
class TestConversion:
    """A dataset whose script stands beside files that `datasets` could read, and its conversion."""

    def fetch(self, tmp_path, locked=None):
        converted = Repository({"hi/eval/0000.parquet": parquet(STORIES)}, main=CONVERTED)
        files = {"README.md": b"", "xstory_cloze.py": b"x", "val.jsonl": b'{"a": 1}\n'}
        hub = {"juletxara/xstory_cloze": Repository(files, converted=converted)}
        if locked:
            entry = {"repo": "juletxara/xstory_cloze", "revision": CONVERSION, "commit": locked}
            lock = {"tasks/xstorycloze/converted": entry}
            (tmp_path / "fail.lock.yaml").write_text(yaml.safe_dump(lock))
        with loopback_hub(datasets=hub) as endpoint:
            done = run(
                tmp_path, "-c", EVERY_PAIR, tmp_path, "fail/xstorycloze/hi", HF_ENDPOINT=endpoint
            )
        return json.loads(done.stdout.splitlines()[-1]), done

    def test_other_files_in_the_repository_are_not_the_dataset(self, tmp_path):
        lines, done = self.fetch(tmp_path)
        assert lines == {}, done.stderr
        assert read_json(tmp_path / "fail/xstorycloze/hi/task.json")["dataset"]["rows"] == 2

    def test_the_locked_commit_is_asked(self, tmp_path):
        lines, _ = self.fetch(tmp_path, locked="d1" * 20)
        line = lines["fail/xstorycloze/hi"]
        assert f"the locked commit {'d1' * 20} of {CONVERSION} is gone" in line


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


@pytest.mark.slow
class TestLockAndPreflight:
    def test_the_commit_of_a_dataset_is_locked_once_for_all_languages(self, fetched):
        lock = yaml.safe_load((fetched[0] / "fail.lock.yaml").read_text())
        converted = "tasks/xstorycloze/converted"
        assert set(lock) == {f"tasks/{task}" for task in (*GOOD, "xstorycloze")} | {converted}
        assert lock[converted]["commit"] == CONVERTED
        assert lock["tasks/xnli"] == {"repo": "facebook/xnli", "revision": "main", "commit": COMMIT}

    def test_preflight_names_what_cannot_be_fetched(self, tmp_path):
        pairs = [["xnli", "fr"], ["xcopa", "it"], ["xstorycloze", "ru"], ["xnli", "de"]]
        pairs += [["belebele", "de"], ["xstorycloze", "hi"]]
        with loopback_hub(datasets=good_repositories() | BAD) as endpoint:
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
