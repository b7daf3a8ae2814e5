import string
from copy import deepcopy
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from multiprune.experiment.grid import Grid
from multiprune.figures import calibration_sets, feature_overlap, style
from unit.columns import COLUMNS

NAMES = {"en": "English", "fr": "French", "ru": "Russian"}


def grid_of(names=NAMES, seeds=(0,)) -> Grid:
    content = {
        "seeds": list(seeds),
        "languages": {code: {"role": "calibration", "name": name} for code, name in names.items()},
        "methods": {"dense": {"seeds": [seeds[0]], "sparsities": ["0"], "calibration": []}},
    }
    return Grid.of(deepcopy(content))


def table_of(overlaps, seeds=(0,)) -> pd.DataFrame:
    """overlaps: {(end, set_a, set_b): value}; two inputs that lie 0.1 above and below."""
    rows = [
        ["m", seed, kind, end, a, b, value + shift, 0.1]
        for seed in seeds
        for kind, shift in (("up_proj", 0.1), ("down_proj", -0.1))
        for (end, a, b), value in overlaps.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS["overlap"])


OVERLAPS = {
    ("top", "code", "en"): 0.3, ("top", "code", "en-fr"): 0.35, ("top", "code", "fr-fr"): 0.4,
    ("top", "en", "en-fr"): 0.8, ("top", "en", "fr-fr"): 0.6, ("top", "en-fr", "fr-fr"): 0.7,
}  # fmt: skip
OVERLAPS |= {("bottom", a, b): value - 0.15 for (_, a, b), value in OVERLAPS.items()}


def test_top_stands_above_the_diagonal_and_bottom_below_grouped():
    matrix = feature_overlap.select(table_of(OVERLAPS))
    assert list(matrix) == list(matrix.index) == ["en", "en-fr", "fr-fr", "code"]
    expected = [
        [np.nan, 0.8, 0.6, 0.3],
        [0.65, np.nan, 0.7, 0.35],
        [0.45, 0.55, np.nan, 0.4],
        [0.15, 0.2, 0.25, np.nan],
    ]
    np.testing.assert_allclose(matrix, expected)


def drawn(table, grid):
    with matplotlib.rc_context(style.SETTINGS):
        figure = feature_overlap.draw({"overlap": table}, grid)
        figure.draw_without_rendering()
    return figure, [text.get_text() for text in figure.axes[0].texts]


def test_the_figure_shows_the_matrix_its_numbers_and_languages_by_name():
    figure, texts = drawn(table_of(OVERLAPS), grid_of())
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["English", "English → French", "French only", "code"]
    shown = axes.images[0].get_array()
    np.testing.assert_allclose(
        np.ma.filled(shown, np.nan), feature_overlap.select(table_of(OVERLAPS))
    )
    numbers = [text for text in texts if text.startswith(".")]
    assert numbers == [
        ".80",
        ".60",
        ".30",
        ".65",
        ".70",
        ".35",
        ".45",
        ".55",
        ".40",
        ".15",
        ".20",
        ".25",
    ]
    assert [t for t in texts if t not in numbers] == list(calibration_sets.GROUPS.values())


@pytest.mark.parametrize("count", [2, 45])
def test_two_and_many_sets_fit(count):
    names = [a + b for a in string.ascii_lowercase for b in "ab"][: max(2, count // 3)]
    pairs = [f"{names[0]}-{other}" for other in names[1:]]
    controls = [f"{name}-{name}" for name in names]
    sets = ["code", *names, *pairs, *controls][:count]
    overlaps = {
        (end, *sorted(pair)): 0.2 + 0.7 * (index % 10) / 10
        for end in ("top", "bottom")
        for index, pair in enumerate(combinations(sets, 2))
    }
    grid = grid_of({name: f"Language {name}" for name in names})
    figure, texts = drawn(table_of(overlaps), grid)
    assert len(sets) == len(set(sets)) == count
    assert figure.axes[0].images[0].get_array().shape == (count, count)
    assert sum(text.startswith(".") for text in texts) == (2 if count == 2 else 0)
    edges = figure.axes[0].get_tightbbox()
    assert edges.x0 >= 0
    assert edges.y0 >= 0
    assert edges.x1 <= figure.bbox.x1
    assert edges.y1 <= figure.bbox.y1


def test_the_caption_says_chance_means_and_extremes():
    caption = feature_overlap.caption({"overlap": table_of(OVERLAPS, seeds=(0, 1))}, grid_of(), "m")
    assert "would share 0.10 (chance)" in caption
    assert "the 10.0% with" in caption
    assert "0.80 between a language and translation demonstrations (n = 1)" in caption
    assert "0.30 between a language and code (n = 1)" in caption
    assert "Least alike are code and English (0.30)" in caption
    assert "most alike English and English → French demonstrations (0.80)" in caption
    assert "0.65 between a language and translation demonstrations (n = 1)" in caption
    assert "Mean of 2 calibration draws" in caption


def test_nothing_to_show_says_why():
    empty = {"overlap": pd.DataFrame(columns=COLUMNS["overlap"])}
    figure = feature_overlap.draw(empty, grid_of())
    assert figure.texts[0].get_text() == feature_overlap.EMPTY
    caption = feature_overlap.caption(empty, grid_of(), "m")
    assert caption.strip() == feature_overlap.EMPTY
