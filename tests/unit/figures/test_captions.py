"""Captions say what the tables hold, and call a difference one only where the interval does."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from multiprune.figures import (
    cross_lingual_correlation,
    method_comparison,
    perplexity_by_language,
    ratio_to_baseline,
    sparsity_by_block,
    wording,
)
from multiprune.report.opening import FILTERS
from unit.figures.every import FIGURES
from unit.figures.test_figures import grid_of, tables_of
from unit.files.test_markup import NASTY, shown

TABLES = {"perplexity", "summary", "allocation", "correlation"}
STATIC = Path(__file__).parents[3] / "rules" / "captions"


def rendered(text: str) -> str:
    settings = {"halt_level": 2, "report_level": 2}
    return publish_parts(text, writer="html", settings_overrides=settings)["body"]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.97, 1.01, "not distinguishable from wanda"),
        (0.95, 0.99, "lower perplexity than wanda"),
        (1.02, 1.05, "higher perplexity than wanda"),
        (1.0003, 1.02, "higher perplexity than wanda"),  # printed as 1.0003
        (np.nan, np.nan, "no interval, a language has fewer than three windows"),
    ],
)
def test_verdict(low, high, said):
    assert method_comparison.verdict(low, high, "wanda") == said


def test_comparison_states_the_numbers_of_the_table():
    grid = grid_of()
    text = method_comparison.caption(tables_of(grid), grid, "m")
    assert (
        "At sparsity 0.5 the geometric-mean perplexity over all languages is 3.000 [2.850" in text
    )
    assert f"owl / wanda = 0.950 [{0.95 * 0.99:.3f}, {0.95 * 1.01:.3f}], lower perplexity" in text
    assert "magnitude / wanda = 6.000 [5.940, 6.060], higher perplexity than wanda" in text
    assert (
        "the 2 calibration languages of the config, 1 language that no method saw), test split"
        in text
    )
    assert "95% intervals" in text
    assert "(100 draws), with t quantiles. They cover the choice of test windows only" in text
    assert "wanda / wanda" not in text


def test_comparison_without_baseline_is_against_dense():
    grid = grid_of(methods=["magnitude", "owl"])
    text = method_comparison.caption(tables_of(grid), grid, "m")
    assert "times dense over all languages: owl 2.850 [2.707, 2.992]; magnitude 18" in text


def test_languages_are_counted_by_verdict():
    grid = grid_of()
    tables = tables_of(grid)
    rows = tables["perplexity"]
    french = (rows["method"] == "owl") & (rows["language"] == "fr")
    rows.loc[french, "baseline_ci_high"] = 1.01
    text = ratio_to_baseline.caption(tables, grid, "m")
    assert "owl is better in 2, worse in 0 and not distinguishable in 1 of 3 languages" in text


def test_growth_names_the_extreme_languages():
    grid = grid_of()
    tables = tables_of(grid)
    rows = tables["perplexity"]
    swahili = (rows["method"] == "wanda") & (rows["language"] == "sw") & (rows["sparsity"] == 0.5)
    rows.loc[swahili, "perplexity"] = 700.0
    text = perplexity_by_language.caption(tables, grid, "m")
    assert (
        "wanda at sparsity 0.5: from 3.000 times dense (English) to 7.000 times (Swahili)." in text
    )


def test_allocation_and_correlation_name_their_extremes():
    grid = grid_of(["en", "fr", "zh"])
    text = sparsity_by_block.caption(tables_of(grid), grid, "m")
    assert "owl at 0.5: from 0.400 (block 0) to 0.600 (block 2)." in text
    text = cross_lingual_correlation.caption(tables_of(grid), grid, "m")
    assert r"down\_proj 0.70 to 0.80" in text
    assert "3 pairs of 3 calibration languages" in text


HERE = [name for name, figure in FIGURES.items() if figure.STANDARD and {*figure.TABLES} <= TABLES]


@pytest.mark.parametrize("name", HERE)
def test_captions_are_valid_and_show_names_as_they_are(name, tmp_path, monkeypatch):
    grid = grid_of()
    text = FIGURES[name].caption(tables_of(grid), grid, "model_with_*stars*_")
    monkeypatch.chdir(tmp_path)
    Path("caption.rst").write_text(text)
    static = (STATIC / "figure.rst").read_text()
    output = SimpleNamespace(caption="caption.rst")
    page = rendered(Environment().from_string(static).render(snakemake={"output": output}))
    assert "model_with_*stars*_" in page
    assert "system-message" not in page


@pytest.fixture
def front_page(tmp_path, monkeypatch):
    """The start page of the report as HTML, given seeds and the name of a language."""
    monkeypatch.chdir(tmp_path)
    verdicts = tmp_path / "results/demo/captions/claims.rst"
    verdicts.parent.mkdir(parents=True)
    verdicts.write_text("Pruning helps: inconclusive.\n")
    verdicts.with_name("findings.rst").write_text("- Wanda doubles the perplexity.\n")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters.update(FILTERS)  # as in rules/common.smk
    template = environment.from_string((STATIC / "workflow.rst").read_text())

    def render(seeds, name="Swahili"):
        config = {
            "experiment": "demo", "models": {"smollm2-135m": {}}, "baseline": "wanda",
            "languages": {
                "en": {"role": "calibration", "corpus": "words"},
                "sw": {"role": "unseen", "name": name, "corpus": "words"},
            },
            "corpora": {"words": {"kind": "text"}}, "calibration": {"samples": 8, "length": 64},
            "evaluation": {"perplexity": {"split": "test", "length": 64}},
            "methods": {"m-wanda": {"label": "M_Wanda*"}, "wanda": {}},
            "sparsities": [0.5], "seeds": seeds,
        }  # fmt: skip
        return rendered(template.render(snakemake={"config": config}))

    return render


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_front_page_names_what_was_run(seeds, front_page):
    page = re.sub(r"<[^>]+>", "", front_page(seeds))
    assert "Models: smollm2-135m" in page
    assert "Calibrated on en (en); unseen: Swahili (sw)" in page
    assert "Methods: M_Wanda* (m-wanda), wanda" in page
    assert "neither smaller nor faster" in page
    assert ("with one seed they say nothing" in page) == (len(seeds) == 1)
    assert "Calibration: 8 windows of 64 tokens" in page
    assert f"{len(seeds)} draw{'s' * (len(seeds) > 1)} of calibration text" in page
    places = [page.index(words) for words in ("Wanda doubles", "Models", "helps: inconclusive.")]
    assert places == sorted(places)  # results first, then their origin, then claims
    assert "results/demo/tables" in page


@pytest.mark.parametrize("name", NASTY)
def test_front_page_shows_the_name_of_a_language_and_follows_none(name, front_page):
    page = front_page([0], name)
    assert f"unseen: {' '.join(name.split())} (sw)" in shown(page)
    assert not re.search(r"href|system-message|<(img|hr|em|dl)\b", page)


def test_languages_that_the_tokenizer_hardly_knows_are_marked_and_said():
    grid = grid_of()
    tables = tables_of(grid)
    assert wording.unknown_languages(tables, grid) == (grid, "")
    french = tables["perplexity"]["language"] == "fr"
    tables["perplexity"].loc[french, ["unknown_share", "note"]] = [0.47, "left out"]
    marked, said = wording.unknown_languages(tables, grid)
    assert "French\u2020 (47%)" in said
    figure = FIGURES["ratio_to_baseline"].draw(tables, marked)
    names = [text.get_text() for axes in figure.axes for text in axes.get_yticklabels()]
    assert "French\u2020" in names
    assert "English" in names


def test_means_say_which_languages_they_leave_out():
    grid = grid_of()
    tables = {"summary": tables_of(grid)["summary"].assign(note="without fr: unknown tokens")}
    found = wording.unknown_languages(tables, grid)
    assert found == (grid, "Means are without fr: unknown tokens.")
