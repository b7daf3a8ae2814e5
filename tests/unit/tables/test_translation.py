"""The table and the figure of translations, against sacreBLEU on resampled sentences."""

import math

import matplotlib
import numpy as np
import pandas as pd
import pytest
import sacrebleu

from multiprune.evaluation.translations import counts
from multiprune.experiment.grid import Grid
from multiprune.figures import style
from multiprune.figures import translation as figure
from multiprune.files.json import write_json
from multiprune.tables import translation

REFERENCES = [f"the {word} stands in the middle of the field" for word in
              ("house", "tree", "horse", "tower", "stone", "wagon")]  # fmt: skip
METHODS = {"dense": "0", "wanda": "0.5", "owl": "0.5"}
RIGHT = {"dense": 6, "wanda": 4, "owl": 2}  # so many sentences are translated well


def written(method, language):
    shift = 1 if language == "sw" else 0
    right = RIGHT[method] - shift
    return [text if n < right else "a field" for n, text in enumerate(REFERENCES)]


@pytest.fixture
def grid() -> Grid:
    run = {"seeds": [0], "calibration": ["de"]}
    languages = {"de": "calibration", "sw": "unseen", "en": "calibration"}
    return Grid.of(
        {
            "seeds": [0],
            "baseline": "wanda",
            "resampling": {"confidence": 0.9, "draws": 200},
            "languages": {code: {"role": role} for code, role in languages.items()},
            "methods": {
                name: {**run, "sparsities": [sparsity]} for name, sparsity in METHODS.items()
            },
            "downstream": {
                "reference": "en",
                "tasks": {
                    "write": {
                        "kind": "parallel_translation",
                        "languages": ["de", "sw"],
                        "missing": {"en": "en is the language that is translated into"},
                    },
                    "cloze": {"kind": "parallel_cloze", "languages": ["de"], "missing": {}},
                },
                "methods": {
                    name: {"seeds": [0], "sparsities": [sparsity]}
                    for name, sparsity in METHODS.items()
                },
            },
        }
    )  # fmt: skip


@pytest.fixture
def results(tmp_path):
    for method, sparsity in METHODS.items():
        for language in ("de", "sw"):
            texts = written(method, language)
            rows = {metric: counts(metric, texts, REFERENCES) for metric in ("bleu", "chrf")}
            scores = {
                "bleu": sacrebleu.corpus_bleu(texts, [REFERENCES], force=True).score,
                "chrf": sacrebleu.corpus_chrf(texts, [REFERENCES]).score,
            }
            content = {
                "metrics": {name: {"score": s, "stderr": None} for name, s in scores.items()},
                "chance": None,
                "truncated": 0,
                "samples": {
                    "id": [f"p{number}" for number in range(6)], "target": None,
                    "log_likelihoods": None, "correct": {}, "counts": rows,
                },
            }  # fmt: skip
            folder = tmp_path / "m/seed0/downstream" / method / sparsity / "write"
            write_json(folder / f"{language}.json", content)
    return tmp_path


def row_of(table, **key):
    for name, value in key.items():
        table = table[table[name] == value]
    (row,) = table.to_dict("records")
    return row


def test_scores_and_paired_differences(results, grid):
    table = translation.tabulate(results, "m", grid)
    assert list(table.columns) == translation.COLUMNS
    assert len(table) == 3 * 2 * 2 + 1
    chrf = {
        method: sacrebleu.corpus_chrf(written(method, "de"), [REFERENCES]).score
        for method in METHODS
    }
    for method, score in chrf.items():
        row = row_of(table, method=method, language="de", metric="chrf")
        assert row["score"] == pytest.approx(score)
        assert row["difference_to_dense"] == pytest.approx(score - chrf["dense"])
        assert row["score_ci_low"] <= score <= row["score_ci_high"]
    owl = row_of(table, method="owl", language="de", metric="chrf")
    assert owl["difference_to_baseline"] == pytest.approx(chrf["owl"] - chrf["wanda"])
    assert owl["baseline_ci_low"] <= owl["difference_to_baseline"] <= owl["baseline_ci_high"] <= 0
    dense = row_of(table, method="dense", language="de", metric="chrf")
    assert dense["ci_low"] == dense["ci_high"] == 0
    assert math.isnan(dense["difference_to_baseline"])
    assert row_of(table, method="wanda", language="sw", metric="bleu")["calibrated_on"] == "no"
    assert table["note"].dropna().tolist() == ["en is the language that is translated into"]


def test_intervals_are_of_resampled_corpora(results, grid):
    """The same draws of sentences, each scored anew by sacreBLEU."""
    table = translation.tabulate(results, "m", grid)
    drawn = translation._draws("write de", 6, 200)
    scores = {}
    for method in ("wanda", "owl"):
        texts = written(method, "de")
        scores[method] = np.array([
            sacrebleu.corpus_chrf([texts[n] for n in draw], [[REFERENCES[n] for n in draw]]).score
            for draw in drawn
        ])  # fmt: skip
    row = row_of(table, method="owl", language="de", metric="chrf")
    ends = np.quantile(scores["owl"] - scores["wanda"], [0.05, 0.95])
    assert [row["baseline_ci_low"], row["baseline_ci_high"]] == pytest.approx(ends.tolist())


def test_two_sentences_have_no_interval():
    assert translation._draws("write de", 2, 200).shape == (0, 2)


def test_the_figure_and_its_caption(results, grid):
    table = translation.tabulate(results, "m", grid).astype({"sparsity": float})
    tables = {"translation": table}
    with matplotlib.rc_context(style.SETTINGS):
        drawn = figure.draw(tables, grid)
        drawn.draw_without_rendering()
    assert [axes.get_title("left") for axes in drawn.axes] == ["write: BLEU", "write: chrF"]
    caption = " ".join(figure.caption(tables, grid, "m").split())
    assert "owl against wanda: better in 0" in caption
    assert "of 2 comparisons of chrF (paired, not corrected); mean difference -" in caption
    assert "Items per task and language: 6." in caption


def test_nothing_to_show_says_why(grid):
    empty = {"translation": pd.DataFrame(columns=translation.COLUMNS)}
    assert figure.draw(empty, grid).texts[0].get_text() == figure.EMPTY
    assert figure.caption(empty, grid, "m").strip() == figure.EMPTY
