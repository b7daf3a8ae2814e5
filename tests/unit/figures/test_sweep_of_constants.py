"""What the figure of a sweep and its caption say, read back."""

import json

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from multiprune.experiment.grid import Grid
from multiprune.figures import sweep_of_constants
from unit.columns import COLUMNS

EMPTY = {"sweep": pd.DataFrame(columns=COLUMNS["sweep"])}


def grid_of(*methods: str) -> Grid:
    run = {"seeds": [0], "sparsities": ["0.5"], "calibration": ["en"], "allocation": "owl"}
    dense = {"seeds": [0], "sparsities": ["0"], "calibration": []}
    return Grid(
        [0], {"en": {"role": "calibration"}}, {"dense": dense} | dict.fromkeys(methods, run),
        baseline="wanda", confidence=0.95,
    )  # fmt: skip


def table(method: str, ratios: list[float], within: int, chosen: int) -> pd.DataFrame:
    rows = [
        {
            "model": "m", "seed": 0, "seeds": 1, "method": method, "sparsity": 0.5,
            "candidate": f"c{place}",
            "constants": json.dumps({"allocation.strength": place / 10, "norm.kept": "std"}),
            "perplexity": 20 * ratio, "ratio_to_best": ratio, "standard_error": 0.01,
            "ci_low": ratio / 1.01 if place else None, "ci_high": ratio * 1.01 if place else None,
            "within": int(place < within), "chosen": int(place == chosen),
        }
        for place, ratio in enumerate(ratios)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS["sweep"])


def markers(axes) -> list[tuple[float, str, str]]:
    """Ratio, marker and colour of each candidate."""
    return [
        (float(line.get_xdata()[0]), line.get_marker(), to_hex(line.get_color()))
        for line in axes.lines
        if line.get_marker() in ("o", "D")
    ]


def test_every_candidate_with_its_state():
    sweep = {"sweep": table("owl", [1, 1.005, 1.2], within=2, chosen=1)}
    [axes] = sweep_of_constants.draw(sweep, grid_of("owl")).axes
    near, far = to_hex(sweep_of_constants.WITHIN), to_hex(sweep_of_constants.BEYOND)
    assert markers(axes) == [(1.0, "o", near), (1.005, "D", near), (1.2, "o", far)]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "0, std", "0.1, std", "0.2, std",
    ]  # fmt: skip
    assert [text.get_text() for text in axes.texts] == ["strength, kept"]
    low, high = axes.get_xlim()
    assert low < 1 < 1.2 * 1.01 < high
    assert axes.get_title(loc="left") == "owl, sparsity 0.5"


def test_a_constant_that_is_true_or_false_is_written_so():
    rows = table("owl", [1.0], within=1, chosen=0)
    rows["constants"] = json.dumps({"norm.activation_relative": False, "norm.of": "mean"})
    assert sweep_of_constants.values(rows) == [["false", "mean"]]


def test_finalists_are_filled_and_the_others_hollow():
    rows = table("owl", [1, 1.005, 1.2], within=2, chosen=1)
    rows["seeds"] = [3, 3, 1]
    [axes] = sweep_of_constants.draw({"sweep": rows}, grid_of("owl")).axes
    inside = [
        to_hex(line.get_markerfacecolor()) for line in axes.lines if line.get_marker() in "oD"
    ]
    near = to_hex(sweep_of_constants.WITHIN)
    assert inside == [near, near, "#ffffff"]
    caption = sweep_of_constants.caption({"sweep": rows}, grid_of("owl"), "m")
    assert "the finalists, means over 3 draws" in " ".join(caption.split())


def test_a_ratio_far_out_is_written_and_does_not_stretch_the_axis():
    sweep = {"sweep": table("owl", [1, 1.1, 40.0], within=1, chosen=0)}
    [axes] = sweep_of_constants.draw(sweep, grid_of("owl")).axes
    assert axes.get_xlim()[1] < 1.2
    assert [text.get_text() for text in axes.texts] == ["strength, kept", "40 times →"]


def test_the_chosen_one_is_shown_however_low_it_ranks():
    ratios = [1 + place / 1000 for place in range(40)]
    shown = sweep_of_constants.select(table("owl", ratios, within=40, chosen=37), "owl")
    assert len(shown) == sweep_of_constants.MOST + 1
    assert shown["candidate"].iloc[-1] == "c37"


def test_a_panel_a_method():
    sweep = pd.concat(
        [table("owl", [1, 1.1], within=1, chosen=0), table("m-wanda", [1, 1.3], 1, 0)]
    )
    figure = sweep_of_constants.draw({"sweep": sweep}, grid_of("owl", "m-wanda"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "m-wanda, sparsity 0.5", "owl, sparsity 0.5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "end"),
    [
        (1, "taken is strength 0.1, kept std (20.10), 1.005 times the best, strength 0, kept std"),
        (0, "taken is strength 0, kept std (20.00), which is the best"),
    ],
)
def test_the_caption_says_what_was_taken_and_why(chosen, end):
    sweep = {"sweep": table("owl", [1, 1.005, 1.2], within=2, chosen=chosen)}
    text = sweep_of_constants.caption(sweep, grid_of("owl"), "m").replace("\\", "")
    assert "owl at sparsity 0.5: 3 candidates, perplexity 20.00 to 24.00, 2 within one" in text
    assert end in text
    assert "The test text was not looked at." in text


def test_nothing_to_choose_is_said():
    figure = sweep_of_constants.draw(EMPTY, grid_of())
    assert figure.texts[0].get_text() == sweep_of_constants.EMPTY
    assert sweep_of_constants.caption(EMPTY, grid_of(), "m").strip() == sweep_of_constants.EMPTY
