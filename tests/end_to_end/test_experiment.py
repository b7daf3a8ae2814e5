"""The tiny experiment from text to figures, its numbers computed again from what it wrote."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from workflow.expected import FIGURES, MODEL, PRUNED
from workflow.interruption import Interrupted
from workflow.running import Workflow

from multiprune.files.tensors import read_tensors
from multiprune.models.loading import load_model
from multiprune.pruning.files import read_mask
from multiprune.pruning.loading import load_pruned
from multiprune.pruning.masks import unpack

RESULTS = "results/tiny"
RUNS = f"{RESULTS}/{MODEL}/seed0"
PERPLEXITY_COLUMNS = [
    "model",
    "seed",
    "method",
    "sparsity",
    "language",
    "role",
    "tokens",
    "perplexity",
    "bits_per_byte",
    "ratio_to_dense",
    "ci_low",
    "ci_high",
    "ratio_to_baseline",
    "baseline_ci_low",
    "baseline_ci_high",
    "unknown_share",
    "note",
    "calibrated_on",
]
LANGUAGES = ("de", "en", "sw")
GRID = sorted(name.split() for name in PRUNED | {"dense 0"})


@pytest.fixture(scope="module")
def records(finished: Workflow) -> dict[tuple[str, float, str], dict]:
    """Every perplexity record by method, sparsity and language."""
    files = finished.files(f"{RUNS}/perplexity").values()
    found = [json.loads(content) for content in files]
    return {(entry["method"], entry["sparsity"], entry["language"]): entry for entry in found}


@pytest.fixture(scope="module")
def table(finished: Workflow) -> pd.DataFrame:
    return pd.read_csv(finished.folder / RESULTS / "tables/perplexity.csv")


def test_one_record_per_model_and_language(records: dict):
    assert set(records) == {(m, float(s), language) for m, s in GRID for language in LANGUAGES}


def test_perplexity_follows_from_the_losses_of_the_windows(records: dict):
    for record in records.values():
        nll, tokens = sum(record["window_nll"]), sum(record["window_tokens"])
        assert record["tokens"] == tokens <= 320
        assert max(record["window_tokens"]) <= 32
        assert record["perplexity"] == pytest.approx(math.exp(nll / tokens), rel=1e-12)
        bits = nll / math.log(2) / record["utf8_bytes"]
        assert record["bits_per_byte"] == pytest.approx(bits, rel=1e-12)


def test_random_model_is_near_chance(records: dict):
    # 258 tokens, untrained: close to uniform guessing, in every language.
    for language in LANGUAGES:
        assert records["dense", 0.0, language]["perplexity"] == pytest.approx(258, rel=0.1)


def test_table_holds_the_records(table: pd.DataFrame, records: dict):
    assert list(table.columns) == PERPLEXITY_COLUMNS
    assert len(table) == len(records)
    for row in table.itertuples():
        record = records[row.method, row.sparsity, row.language]
        dense = records["dense", 0.0, row.language]
        assert row.perplexity == pytest.approx(record["perplexity"], rel=1e-12)
        assert row.tokens == record["tokens"]
        ratio = record["perplexity"] / dense["perplexity"]
        assert row.ratio_to_dense == pytest.approx(ratio, rel=1e-9)


def test_ratio_to_baseline_is_at_equal_sparsity(table: pd.DataFrame, records: dict):
    rows = table[(table["method"] == "m-wanda") & (table["sparsity"] == 0.5)]
    assert len(rows) == len(LANGUAGES)
    for row in rows.itertuples():
        own = records["m-wanda", 0.5, row.language]["perplexity"]
        baseline = records["wanda", 0.5, row.language]["perplexity"]
        assert row.ratio_to_baseline == pytest.approx(own / baseline, rel=1e-9)
    assert (table[table["method"] == "wanda"]["ratio_to_baseline"] == 1).all()


def test_roles_are_the_configs_and_calibration_the_methods(table: pd.DataFrame):
    assert dict(zip(table["language"], table["role"], strict=True)) == {
        "de": "calibration", "en": "calibration", "sw": "unseen",
    }  # fmt: skip
    seen = {(row.method, row.language): row.calibrated_on for row in table.itertuples()}
    assert seen["wanda-en", "de"] == seen["wanda", "sw"] == seen["dense", "en"] == "no"
    assert seen["wanda-en", "en"] == seen["wanda", "de"] == "yes"


@pytest.mark.parametrize("name", sorted(PRUNED))
def test_loaded_model_is_zero_where_its_mask_says(finished: Workflow, name: str):
    method, sparsity = name.split()
    path = finished.folder / RUNS / "masks" / method / f"{sparsity}.safetensors"
    folder = finished.folder / "resources/models" / MODEL
    pruned = dict(load_pruned(folder, pruning=path).named_parameters())
    dense = dict(load_model(folder).named_parameters())
    dropped = total = 0
    masked = set()
    for parameter, packed, shape in read_mask(path):
        keep = unpack(packed, shape).astype(bool)
        before = dense[parameter].detach().numpy()
        expected = np.where(keep, before, 0)
        assert np.array_equal(pruned[parameter].detach().numpy(), expected)
        dropped, total = dropped + np.sum(~keep), total + keep.size
        masked.add(parameter)
    # Two blocks of q, k, v, o, gate, up, down and nothing else.
    assert len(masked) == 14
    for parameter in set(dense) - masked:
        assert pruned[parameter].equal(dense[parameter])
    # Rounding down to whole columns costs at most one column in 32 of a row.
    assert float(sparsity) - 1 / 32 <= dropped / total <= float(sparsity)


def test_mask_says_what_was_achieved(finished: Workflow):
    path = finished.folder / RUNS / "masks/wanda/0.25.safetensors"
    _, metadata = read_tensors(path)
    kept = [unpack(packed, shape) for _, packed, shape in read_mask(path)]
    zeros = sum(int((keep == 0).sum()) for keep in kept)
    assert float(metadata["achieved_sparsity"]) == zeros / sum(keep.size for keep in kept)
    assert float(metadata["requested_sparsity"]) == 0.25


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_is_drawn_as_vector_and_pixels(finished: Workflow, figure: str):
    folder = finished.folder / RESULTS / "figures"
    pdf = (folder / f"{figure}-{MODEL}.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 5000
    pixels = np.asarray(Image.open(folder / f"{figure}-{MODEL}.png").convert("L"))
    assert min(pixels.shape) > 200
    # Ink on a light ground: some, not all.
    assert 0.005 < np.mean(pixels < 200) < 0.9


def test_masks_and_statistics_of_a_second_run_are_byte_identical(
    finished: Workflow, interrupted: Interrupted
):
    for kind, count in (("masks", 2 * len(PRUNED)), ("statistics", 2), ("calibration", 2)):
        first = finished.files(f"{RUNS}/{kind}")
        assert len(first) == count
        assert interrupted.workflow.files(f"{RUNS}/{kind}") == first


def test_report_holds_figures_and_their_captions(interrupted: Interrupted):
    assert interrupted.resumed.code == 0, interrupted.resumed.text
    workflow = interrupted.workflow
    report = (workflow.folder / RESULTS / "report.html").read_text(encoding="utf-8")
    for figure in FIGURES:
        assert f"{figure}-{MODEL}.png" in report
        caption = (workflow.folder / RESULTS / "captions" / f"{figure}-{MODEL}.rst").read_text()
        sentence = re.split(r"[.,;:*`]", caption, maxsplit=1)[0].strip()
        assert len(sentence) > 20
        assert sentence in " ".join(report.split())
    assert "Pruning multilingual language models: tiny" in report
