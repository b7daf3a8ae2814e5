import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from loopback_hub import COMMIT, Repository, loopback_hub
from patience import patience
from script_calls import call, refusal

from multiprune.errors import InputError
from multiprune.fetch.preflight import check_corpus, check_model, findings, on_disk
from multiprune.fetch.revisions import RevisionLock
from multiprune.fetch.splits import SPLITS
from multiprune.files.manifests import write_manifest

SCRIPT = Path(__file__).parents[3] / "scripts/preflight.py"
LLAMA = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": b"0" * 64,
    "tokenizer.json": b"{}",
}
MOVED = "f" * 40
LOCAL = {"kind": "local", "folder": "x"}


@pytest.fixture
def lock(tmp_path):
    return RevisionLock(tmp_path / "paper.lock.yaml")


def test_a_local_model_that_is_complete(tmp_path, lock):
    tiny.write_llama(tmp_path / "model")
    definition = {"kind": "local", "folder": str(tmp_path / "model")}
    assert check_model("m", definition, lock) == "folder is complete"
    (tmp_path / "model/model.safetensors").unlink()
    with pytest.raises(InputError, match="no weights"):
        check_model("m", definition, lock)


def test_what_was_fetched_already(tmp_path):
    (tmp_path / "text").write_text("a")
    write_manifest(tmp_path, LOCAL)
    manifest = tmp_path / "manifest.json"
    assert on_disk(manifest, dict(LOCAL))
    assert not on_disk(manifest, {"kind": "other"})
    assert not on_disk(tmp_path / "none/manifest.json", LOCAL)
    manifest.write_text("{")
    assert not on_disk(manifest, LOCAL)
    assert manifest.read_text() == "{"


def test_own_text_is_counted(tmp_path, lock):
    tiny.write_texts(tmp_path, ["en"], paragraphs=20)
    definition = {"corpus": {"kind": "text", "folder": str(tmp_path)}, "text": "en"}
    windows = {"calibration": [4, 16], "test": [1, 32]}
    found = check_corpus("c", definition, tmp_path / "en.txt", lock, windows)
    assert found == "calibration 12, validation 2, test 6 paragraphs"


def preflight(tmp_path, models, endpoint, lock):
    """Exit code and printed lines of the script, asking the hub at `endpoint`."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--models", json.dumps(models), "--texts", "{}",
         "--resources", tmp_path / "resources", "--lock", lock.path,
         "--output", tmp_path / "preflight.csv"],
        env=os.environ | {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0",
                          "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "cache")},
        capture_output=True, text=True, check=False, timeout=patience(180),
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    if done.returncode:  # what the end of a run shows of the log
        assert done.stderr.splitlines()[-1].startswith("error: not in order: model ")
    return done.returncode, done.stdout.splitlines()


def on_hub(repo, revision="main"):
    return {"kind": "huggingface", "repo": repo, "revision": revision}


def test_every_model_of_the_hub_gets_a_row(tmp_path, lock):
    unknown = LLAMA | {"config.json": b'{"model_type": "mamba"}'}
    hub = {"org/good": Repository(LLAMA), "org/gated": Repository(LLAMA, gated=True),
           "org/mamba": Repository(unknown)}  # fmt: skip
    models = {
        "good": on_hub("org/good"),
        "gated": on_hub("org/gated"),
        "mamba": on_hub("org/mamba"),
        "nowhere": on_hub("org/nowhere"),
        "revision": on_hub("org/good", "v9"),
    }
    with loopback_hub(hub) as endpoint:
        code, lines = preflight(tmp_path, models, endpoint, lock)
    assert code == 1
    assert lines[0].startswith("FAILED model    gated: model org/gated: access is gated")
    assert lines[1] == f"ok     model    good: commit {COMMIT}"
    assert "unknown model_type 'mamba'" in lines[2]
    assert "no such repository" in lines[3]
    assert "revision 'v9' does not exist" in lines[4]
    assert lines[5].startswith("1 of 5 are in order")
    assert len((tmp_path / "preflight.csv").read_text().splitlines()) == 6


def test_a_name_is_no_formula_in_the_table(tmp_path, lock):
    with loopback_hub({}) as endpoint:
        preflight(tmp_path, {"=1+1": on_hub("org/nowhere")}, endpoint, lock)
    assert "\nmodel,'=1+1,FAILED," in (tmp_path / "preflight.csv").read_text()


def test_a_branch_that_has_moved_is_reported_and_not_followed(tmp_path, lock):
    lock.record("models/good", on_hub("org/good"), COMMIT)
    with loopback_hub({"org/good": Repository(LLAMA, main=MOVED)}) as endpoint:
        code, lines = preflight(tmp_path, {"good": on_hub("org/good")}, endpoint, lock)
    assert code == 0
    assert lines[0].endswith(
        f"commit {COMMIT} is locked; main of org/good has moved to {MOVED} since"
    )


def test_a_check_that_fails_in_another_way_keeps_no_other_from_running():
    def broken() -> str:
        raise ZeroDivisionError("of a library")

    first, second = findings({("model", "a"): broken, ("model", "b"): lambda: "fine"})
    assert (first.passed, second.passed) == (False, True)
    assert first.detail == "could not be checked: ZeroDivisionError: of a library"


def test_a_folder_of_ones_own_is_checked_though_it_was_fetched(tmp_path):
    own = tiny.write_llama(tmp_path / "own")
    definition = {"kind": "local", "folder": str(own)}
    fetched = tmp_path / "resources/models/m"
    fetched.mkdir(parents=True)
    write_manifest(fetched, definition)
    models = json.dumps({"m": definition})
    words = ["--models", models, "--texts", "{}", "--resources", tmp_path / "resources"]
    words += ["--lock", tmp_path / "paper.lock.yaml", "--output", tmp_path / "preflight.csv"]
    assert call("preflight", *words)[0] == 0
    (own / "config.json").write_text("{}")
    assert "not in order: model m: " in refusal("preflight", *words)


def test_a_line_for_each_text_that_is_too_short(tmp_path):
    """Own text and text that was fetched; one word in ten paragraphs, six to calibrate on."""
    texts, windows = {}, {}
    for name, samples in (("de", 2), ("en", 1)):
        rows = "".join(f"{name} {number}\n\n" for number in range(10))
        (tmp_path / f"{name}.txt").write_text(rows)
        definition = {"corpus": {"kind": "text", "folder": str(tmp_path)}, "text": name}
        source = str(tmp_path / f"{name}.txt")
        texts[f"own/{name}"] = {"corpus_name": "own", "definition": definition, "source": source}
        windows[f"own/{name}"] = {"calibration": [samples, 32]}
    folder = tmp_path / "resources/corpora/udhr/sw"
    folder.mkdir(parents=True)
    for split in SPLITS:
        (folder / f"{split}.jsonl").write_text('{"id": "1", "text": "haki"}\n')
    definition = {"corpus": {"kind": "udhr", "version": "6.0.0"}, "text": "swh"}
    write_manifest(folder, definition)
    texts["udhr/sw"] = {"corpus_name": "udhr", "definition": definition, "source": ""}
    windows["udhr/sw"] = {"test": [1, 9]}
    output = tmp_path / "preflight.csv"
    line = refusal(
        "preflight", "--models", "{}", "--texts", json.dumps(texts),
        "--windows", json.dumps(windows), "--resources", tmp_path / "resources",
        "--lock", tmp_path / "paper.lock.yaml", "--output", output,
    )  # fmt: skip
    assert line.startswith("error: not in order: text own/de: its calibration text has 6 rows, ")
    assert line.endswith(f"(1 more in {output})")
    with output.open(newline="") as file:
        rows = {row["name"]: (row["state"], row["detail"]) for row in csv.DictReader(file)}
    # Four bytes a row, and two more tokens; of a window of 32 tokens two may be its start.
    assert rows["own/de"] == (
        "FAILED",
        "its calibration text has 6 rows, at most 36 tokens; 2 windows of 32 tokens need 60 or "
        "more; give more text (of a dataset, more rows), or lower calibration.samples or "
        "calibration.length",
    )
    assert rows["own/en"] == ("ok", "calibration 6, validation 1, test 3 paragraphs")
    state, detail = rows["udhr/sw"]
    assert (state, detail.partition(";")[0]) == (
        "FAILED", "its test text has 1 rows, at most 6 tokens"
    )  # fmt: skip


def test_a_job_says_what_it_computes_on(tmp_path):
    (tmp_path / "gpu.txt").write_text("gpu01: A100, driver 550\n")
    words = ["--models", "{}", "--texts", "{}", "--gpu", tmp_path / "gpu.txt"]
    words += ["--resources", tmp_path, "--lock", tmp_path / "l", "--output", tmp_path / "p.csv"]
    assert call("preflight", *words)[0] == 0
    assert 'gpu,gpu.txt,ok,"gpu01: A100, driver 550"' in (tmp_path / "p.csv").read_text()
