"""The results in words say what the table has, judged by the intervals and printed as judged."""

import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts

from multiprune.experiment.grid import Grid
from multiprune.report.findings import Ratio, document, findings

NONE = (np.nan, np.nan, np.nan)
COLUMNS = [
    "model", "method", "sparsity", "language_set", "languages", "seeds", "perplexity",
    "ratio_to_dense", "ci_low", "ci_high", "ratio_to_baseline", "baseline_ci_low",
    "baseline_ci_high", "worst_language", "worst_ratio",
]  # fmt: skip


def grid_of(baseline: str = "wanda", **labels: str) -> Grid:
    methods = {"dense": {"seeds": [0], "sparsities": ["0"]}}
    languages = {"sw": {"role": "unseen", "name": "Swahili"}, "en": {"role": "calibration"}}
    return Grid([0], languages, methods, baseline=baseline, labels=labels)


def row(method, ratio, to_baseline=NONE, sparsity=0.5, among="all", model="m") -> list:
    return [model, method, sparsity, among, 2, 3, 31.04567, *ratio, *to_baseline, "sw", 3.9]


def table_of(*rows) -> pd.DataFrame:
    dense = row("dense", (1, 1, 1), sparsity=0.0)
    return pd.DataFrame([dense, *rows], columns=COLUMNS)


WANDA = row("wanda", (2.6194, 2.496, 2.7501), (1, 1, 1))


def test_a_line_for_dense_each_sparsity_and_languages():
    table = table_of(
        WANDA,
        row("m-wanda", (2.8, 2.6, 3), (1.07, 1.05, 1.09)),
        row("ria", (2.5, 2.4, 2.6), (0.95, 0.93, 0.97)),
        row("owl", (2.61, 2.5, 2.7), (0.999, 0.98, 1.02)),
        row("wanda", (2.4, 2.3, 2.5), among="calibration"),
        row("wanda", (3.2, 3.1, 3.3), among="unseen"),
        row("wanda", (1.5, 1.4, 1.6), (1, 1, 1), sparsity=0.3),
    )
    assert findings(table, grid_of(wanda="Wanda", **{"m-wanda": "M-Wanda"})) == [
        "Before pruning the perplexity is 31.05 (geometric mean over 2 languages).",
        "At 30 % sparsity Wanda raises the perplexity to 1.500 times [1.400, 1.600] that of dense.",
        "At 50 % sparsity Wanda raises the perplexity to 2.619 times [2.496, 2.750] that of "
        "dense. Lower than Wanda: ria 0.950 times [0.930, 0.970]. "
        "Not told apart from Wanda: owl 0.999 times [0.980, 1.020]. "
        "Higher than Wanda: M-Wanda 1.070 times [1.050, 1.090].",
        "Against dense, with Wanda at 50 % sparsity: calibration languages 2.400 times "
        "[2.300, 2.500], unseen ones 3.200 times [3.100, 3.300], the highest Swahili with "
        "3.900 times.",
    ]


def test_methods_that_change_places_in_unseen_languages_are_named():
    rows = [
        row("wanda", (2.4, 2.3, 2.5), (1, 1, 1), among="calibration"),
        row("wanda", (3.2, 3.1, 3.3), (1, 1, 1), among="unseen"),
        row("m-wanda", (2.4, 2.3, 2.5), (0.98, 0.96, 1.01), among="calibration"),
        row("m-wanda", (3.2, 3.1, 3.3), (1.16, 1.07, 1.26), among="unseen"),
        row("ria", (2.4, 2.3, 2.5), (0.98, 0.96, 1.08), among="calibration"),
        row("ria", (3.2, 3.1, 3.3), (1.16, 1.07, 1.26), among="unseen"),
        row("alone", (2.4, 2.3, 2.5), (0.5, 0.4, 0.6), among="calibration"),
    ]
    lines = findings(table_of(WANDA, *rows), grid_of(**{"m-wanda": "M-Wanda"}))
    assert lines[-1] == (
        "Against wanda at 50 % sparsity, in calibration languages and in unseen ones: "
        "M-Wanda 0.980 times [0.960, 1.010] and 1.160 times [1.070, 1.260]."
    )


def test_one_draw_is_said():
    lines = findings(table_of(WANDA).assign(seeds=1), grid_of())
    assert lines[-1].startswith("There is one draw of calibration text")


@pytest.mark.parametrize(
    ("low", "high", "judged"),
    [
        (0.9, 0.9996, "lower"),
        (0.9, 1.0004, "not told apart"),
        (1.0004, 1.1, "higher"),
        (np.nan, np.nan, "without an interval"),
    ],
)
def test_a_difference_is_judged_by_its_interval(low, high, judged):
    assert Ratio(1.0, low, high).judged == judged


def test_an_interval_is_printed_on_the_side_where_it_is_judged():
    assert str(Ratio(0.997, 0.995, 0.99996)) == "0.99700 times [0.99500, 0.99996]"
    assert str(Ratio(1.2, np.nan, np.nan)) == "1.200 times"
    lines = findings(table_of(row("wanda", (0.997, 0.995, 0.9996), (1, 1, 1))), grid_of())
    assert lines[1].endswith(
        "lowers the perplexity to 0.9970 times [0.9950, 0.9996] that of dense."
    )


def test_a_large_perplexity_has_no_decimals():
    table = table_of(WANDA).assign(perplexity=268108.459)
    assert "perplexity is 268,108 (" in findings(table, grid_of())[0]


def test_of_many_methods_a_few_are_named():
    others = [row(f"m{i}", (3 + i, 3, 9), (1.1 + i, 1.05, 99)) for i in range(10)]
    (_, line, _) = findings(table_of(WANDA, *others), grid_of())
    assert line.endswith(
        "m6 7.100 times [1.050, 99.000], 2 more, up to m9 10.100 times [1.050, 99.000]."
    )
    assert "m7" not in line


def test_without_the_baseline_methods_stand_against_dense():
    table = table_of(row("owl", (2.5, 2.4, 2.6)), row("magnitude", (9, 8, 10)))
    assert findings(table, grid_of())[1] == (
        "At 50 % sparsity, against dense: owl 2.500 times [2.400, 2.600], magnitude 9.000 times "
        "[8.000, 10.000]."
    )


def test_no_loss_is_called_none():
    lines = findings(table_of(row("wanda", (1.0, 0.999, 1.001), (1, 1, 1))), grid_of())
    assert lines[1] == (
        "At 50 % sparsity wanda leaves the perplexity where it was, as far as can be told: "
        "1.000 times [0.999, 1.001]."
    )


def test_the_document_names_models_where_there_are_several_and_follows_no_markup():
    table = table_of(WANDA)
    page = document(table, grid_of(wanda="*Wanda_ `x`"))
    settings = {"halt_level": 2, "report_level": 2}
    html = publish_parts(page, writer="html", settings_overrides=settings)["body"]
    assert "*Wanda_ `x` raises" in html
    assert "<strong>" not in html
    both = pd.concat([table, table.assign(model="n")])
    assert "**m**\n\n- Before" in document(both, grid_of())
    assert "**n**\n\n- Before" in document(both, grid_of())


def test_methods_with_languages_of_their_own_stand_apart():
    own = row("own", (2.2, 2.1, 2.3), (0.9, 0.85, 0.95), among="own")
    alone = row("own", (1.4, 1.3, 1.5), sparsity=0.3, among="own")
    lines = findings(table_of(WANDA, own, alone), grid_of(own="Each alone"))
    start = "the perplexity of each language under a model of its own: Each alone"
    assert lines[1:4] == [
        f"At 30 % sparsity, {start} 1.400 times [1.300, 1.500] that of dense in the same 2 "
        "languages.",
        "At 50 % sparsity wanda raises the perplexity to 2.619 times [2.496, 2.750] that of dense.",
        f"At 50 % sparsity, {start} 0.900 times [0.850, 0.950] that of wanda in the same 2 "
        "languages.",
    ]
    assert lines[4].endswith("the highest Swahili with 3.900 times.")
