import matplotlib
import numpy as np
import pandas as pd
import pytest

from multiprune.experiment.grid import Grid
from multiprune.figures import residual_dimensions, residual_overlap, style
from unit.columns import COLUMNS


def grid() -> Grid:
    languages = {"en": {"role": "calibration", "name": "English"}}
    dense = {"seeds": [0], "sparsities": ["0"], "calibration": []}
    return Grid.of({"seeds": [0], "languages": languages, "methods": {"dense": dense}})


def overlaps() -> pd.DataFrame:
    cells = {("code", "en"): 0.1, ("en", "code"): 0.3, ("en-en", "en"): 0.02, ("en", "en-en"): 0.04}
    rows = [["m", seed, a, b, v, 0.4] for seed in (0, 1) for (a, b), v in cells.items()]
    return pd.DataFrame(rows, columns=COLUMNS["residual_overlap"])


def dimensions() -> pd.DataFrame:
    rows = [
        ["m", 0, layer, rank, 10 * rank, 100.0 / rank, 2.0, 2 if rank < 3 else 1, 2]
        for layer in range(4)
        for rank in range(1, 5)
    ]
    return pd.DataFrame(rows, columns=COLUMNS["residual_dimensions"])


def drawn(figure):
    figure.draw_without_rendering()
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def test_rows_are_the_top_and_columns_the_bottom():
    matrix = residual_overlap.select(overlaps())
    assert list(matrix) == list(matrix.index) == ["en", "en-en", "code"]
    assert matrix.loc["en", "code"] == pytest.approx(0.3)
    assert matrix.loc["code", "en"] == pytest.approx(0.1)
    assert np.isnan(matrix.loc["en", "en"])


def test_the_overlap_is_drawn_and_described():
    tables = {"residual_overlap": overlaps()}
    with matplotlib.rc_context(style.SETTINGS):
        said = drawn(residual_overlap.draw(tables, grid()))
    assert "top features of" in said
    assert "bottom features of" in said
    assert {"2.0", "4.0", "10.0", "30.0"} <= set(said.split())
    caption = " ".join(residual_overlap.caption(tables, grid(), "m").split())
    assert "the 40% with" in caption
    assert "Mean over all pairs: 0.115." in caption
    assert "top of English demonstrations against English (0.020)" in caption
    assert "that of English against code (0.300)" in caption
    assert "Mean of 2 calibration draws" in caption


def test_the_dimensions_are_drawn_and_described():
    tables = {"residual_dimensions": dimensions()}
    with matplotlib.rc_context(style.SETTINGS):
        figure = residual_dimensions.draw(tables, grid())
        assert "embeddings" in drawn(figure)
    [axes] = figure.axes
    assert [bar.get_height() for bar in axes.patches[:4]] == [100.0, 50.0, 100 / 3, 25.0]
    shown = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in axes.patches[:4]]
    assert shown == [style.PALETTE[0]] * 2 + [style.PALETTE[1]] * 2
    caption = " ".join(residual_dimensions.caption(tables, grid(), "m").split())
    assert "The 4 dimensions" in caption
    assert "50% of them are among the largest" in caption
    assert "in layer 0, where it is 50.00 times that of the median" in caption


@pytest.mark.parametrize("figure", [residual_overlap, residual_dimensions])
def test_nothing_to_show_says_why(figure):
    (table,) = figure.TABLES
    empty = {table: pd.DataFrame(columns=COLUMNS[table])}
    assert figure.draw(empty, grid()).texts[0].get_text() == figure.EMPTY
    assert figure.caption(empty, grid(), "m").strip() == figure.EMPTY
