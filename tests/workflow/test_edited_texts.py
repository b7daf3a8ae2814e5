"""After a change of a user's text, or of its time alone, exactly what reads it runs."""

import os
import time

from workflow.expected import (
    DENSE,
    M_WANDA,
    PRUNED,
    WANDA,
    corpora,
    evaluations,
    figures,
    masks,
    statistics,
    tables,
)
from workflow.running import Workflow

ALL_TABLES = ("perplexity", "allocation", "correlation", "overlap")


def test_edited_calibration_text_reruns_what_reads_it(project: Workflow):
    text = project.folder / "inputs/texts/de.txt"
    text.write_text(text.read_text() + "\n\nnoch ein Absatz\n")
    expected = corpora("de") | statistics("de") | masks(WANDA | M_WANDA)
    expected |= evaluations(PRUNED | DENSE) | tables(*ALL_TABLES) | figures()
    assert project.jobs() == expected


def test_a_text_put_back_with_its_old_time_is_noticed(project: Workflow):
    """As `rsync -a`, `cp -p` and archives leave it: newer content, older time."""
    text = project.folder / "inputs/texts/sw.txt"
    old = text.stat().st_mtime_ns - 10**12
    text.write_text(text.read_text() + "\n\naya moja zaidi\n")
    os.utime(text, ns=(old, old))
    expected = corpora("sw") | evaluations(PRUNED | DENSE)
    assert project.jobs() == expected | tables("perplexity") | figures("perplexity")
    audited = project.run("audit")
    assert audited.code != 0
    assert audited.lines_with("corpora/words/sw/manifest.json: was made from another", "sw.txt")


def test_a_text_dated_in_the_future_is_named_before_any_job(project: Workflow):
    text = project.folder / "inputs/texts/sw.txt"
    text.write_text(text.read_text() + "\n\naya moja zaidi\n")
    os.utime(text, (time.time() + 10**6,) * 2)
    outcome = project.run()
    assert outcome.code != 0
    assert outcome.lines_with("error: inputs/texts/sw.txt: is dated in the future", "touch it")
    assert "localrule fetch_corpus:" not in outcome.text
    os.utime(text)
    outcome = project.run("fetch")
    assert outcome.code == 0, outcome.text
    assert project.jobs("fetch") == set()


def test_edited_unseen_text_reruns_no_mask(project: Workflow):
    text = project.folder / "inputs/texts/sw.txt"
    text.write_text(text.read_text() + "\n\naya moja zaidi\n")
    expected = corpora("sw") | evaluations(PRUNED | DENSE)
    assert project.jobs() == expected | tables("perplexity") | figures("perplexity")


def test_touched_text_reruns_nothing(project: Workflow):
    later = time.time() + 5
    for text in (project.folder / "inputs/texts").iterdir():
        os.utime(text, (later, later))
    assert project.jobs() == set()
