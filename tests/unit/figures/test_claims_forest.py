"""What the forest plot draws, read back from the artists, and its caption."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from multiprune.experiment.grid import Grid
from multiprune.figures import claims_forest
from multiprune.figures.claims_forest import COLOURS, caption, draw, limits, select
from unit.columns import COLUMNS


def grid_of(seeds=(0,)) -> Grid:
    dense = {"seeds": [seeds[0]], "sparsities": ["0"]}
    content = {
        "seeds": list(seeds), "languages": {}, "methods": {"dense": dense},
        "resampling": {"draws": 100, "confidence": 0.9},
    }  # fmt: skip
    return Grid.of(deepcopy(content))


def row_of(claim, verdict, estimate=None, half=0.02, **changes) -> dict:
    low, high = (None, None) if estimate is None else (estimate - half, estimate + half)
    return {
        "model": "m", "claim": claim, "paper": "kim", "statement": f"{claim} holds.",
        "measurement": "perplexity ratio: a / b", "scope": "all languages, sparsity 0.5",
        "estimate": estimate, "ci_low": low, "ci_high": high, "threshold": 1.0,
        "direction": "below", "languages": None if estimate is None else 4,
        "languages_hold": None if estimate is None else 3, "verdict": verdict,
        "reason": "method b is not in the config" if estimate is None else None,
        "paper_value": "unverified", "paper_source": "not read", "second_hand": False,
        "question": "Kim et al.", "constants": "published", "draws": 3,
        "languages_against": None if estimate is None else 1, "smallest_effect": None,
        "budgets": None, "basis": None,
    } | changes  # fmt: skip


DIFFERENCE = {"measurement": "accuracy difference: a - b", "threshold": 0.0, "direction": "above"}
CLAIMS = pd.DataFrame(
    [
        row_of("far", "supported", 2.6, 0.1, threshold=1.25, direction="above"),
        row_of("worse", "not supported", 1.06),
        row_of("absent", "not measured"),
        row_of("gain", "supported", 0.04, **DIFFERENCE),
        row_of(
            "unclear",
            "inconclusive",
            0.01,
            second_hand=True,
            smallest_effect=0.02,
            constants="ours",
            basis="acc, 40 items a language, chance 0.25",
            **DIFFERENCE,
        ),
    ],
    columns=COLUMNS["claims"],
)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_ratios_and_differences_have_their_own_panels_in_the_order_of_the_claims():
    kinds = select(CLAIMS)
    assert kinds["ratio"]["claim"].tolist() == ["far", "worse"]
    assert kinds["difference"]["claim"].tolist() == ["gain", "unclear"]
    assert list(select(CLAIMS[:3])) == ["ratio"]
    ratios, differences = draw({"claims": CLAIMS}, grid_of()).axes
    assert (ratios.get_xscale(), differences.get_xscale()) == ("log", "linear")
    assert ratios.get_xlabel() == "Perplexity ratio (log scale)"
    assert differences.get_xlabel() == "Accuracy difference"


def test_marks_lie_at_the_estimates_and_lines_span_the_intervals():
    ratios, differences = draw({"claims": CLAIMS}, grid_of()).axes
    lines = [line for line in ratios.lines if to_hex(line.get_color()) == COLOURS["not supported"]]
    interval, mark = lines
    assert list(interval.get_xdata()) == pytest.approx([1.04, 1.08])
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (1.06, 1)
    marks = [line for line in differences.lines if line.get_marker() in ("o", "D")]
    assert [mark.get_xdata()[0] for mark in marks] == [0.04, 0.01]


def test_a_ratio_far_away_is_an_arrow_at_the_edge():
    rows = select(CLAIMS)["ratio"]
    low, high = limits(rows, "ratio")
    assert low < 1 / 1.05
    assert 1.25 < high < 2.5  # the threshold is shown, the estimate would squeeze the others
    ratios = draw({"claims": CLAIMS}, grid_of()).axes[0]
    (arrow,) = [line for line in ratios.lines if line.get_marker() == ">"]
    assert (arrow.get_xdata(), arrow.get_ydata()) == ([1], [0])
    assert "2.600 [2.500, 2.700]; languages: 3 for, 1 against, 0 open" in texts(ratios)


def test_the_claimed_side_of_the_threshold_is_shaded():
    ratios = draw({"claims": CLAIMS}, grid_of()).axes[0]
    shades = [patch for patch in ratios.patches if isinstance(patch, Rectangle)]
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in shades]
    low, high = ratios.get_xlim()
    np.testing.assert_allclose(spans, [(1.25, high), (low, 1)])


def test_every_claim_has_its_verdict_in_words_and_colour():
    for axes, rows in zip(
        draw({"claims": CLAIMS}, grid_of()).axes, select(CLAIMS).values(), strict=True
    ):
        verdicts = [text for text in axes.texts if text.get_weight() == "bold"]
        words = [text.get_text().split(" here")[0] for text in verdicts]
        assert words == rows["verdict"].tolist()
        colours = [COLOURS[word] for word in words]
        assert [text.get_color() for text in verdicts] == colours
    differences = draw({"claims": CLAIMS}, grid_of()).axes[1]
    assert "inconclusive here (this project's constants)" in texts(differences)
    said = " ".join(texts(differences)).replace("\n", " ")
    assert "smallest effect that this run could show: a difference of 0.020" in said
    assert "unclear holds. (second-hand)" in texts(differences)


def test_no_claims_give_a_sentence_instead_of_a_plot():
    figure = draw({"claims": CLAIMS[:0]}, grid_of())
    assert not figure.axes
    assert figure.texts[0].get_text() == claims_forest.EMPTY
    assert caption({"claims": CLAIMS[:0]}, grid_of(), "m") == f"{claims_forest.EMPTY}\n"


def test_caption_counts_the_verdicts_and_names_what_is_missing():
    text = caption({"claims": CLAIMS}, grid_of(), "m")
    assert (
        "Kim et al.: of 4 quality claims 2 are supported, 1 is not supported, 1 is inconclusive."
    ) in text
    assert (
        "1 claim needs methods, tasks or languages that this config does not have: absent" in text
    )
    assert "unclear: acc, 40 items a language, chance 0.25." in text
    assert "90% intervals" in text
    assert "One calibration draw" in text
    several = caption({"claims": CLAIMS}, grid_of(seeds=(0, 1, 2)), "m")
    assert "3 calibration draws" in several
