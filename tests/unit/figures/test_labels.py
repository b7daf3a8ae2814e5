"""Labels: figures call methods by them, in the order of their own names."""

import matplotlib.text
import pytest

from multiprune.figures import style
from multiprune.figures.labels import labelled, own_name, relative
from unit.figures.every import FIGURES
from unit.figures.test_figures import grid_of, tables_of

LABELS = {"wanda": "Zebra", "owl": "Ape (2)", "m-wanda": "Monkey"}
DRAWN = ["method_comparison", "ratio_to_baseline", "perplexity_by_language", "sparsity_by_block"]


def labelled_grid():
    grid = grid_of()
    grid.labels.update(LABELS)
    return grid


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_and_its_caption_say_labels(name):
    tables, grid = labelled(tables_of(grid_of()), labelled_grid())
    figure = FIGURES[name].draw(tables, grid)
    words = " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))
    for said in (words, FIGURES[name].caption(tables, grid, "m")):
        assert "Ape (2)" in said
        assert "owl" not in said
        assert "wanda" not in said


def test_without_labels_nothing_changes():
    grid, tables = grid_of(), tables_of(grid_of())
    same, unchanged = labelled(tables, grid)
    assert unchanged is grid
    assert all(same[name] is tables[name] for name in tables)


def test_order_and_relatives_are_those_of_the_names():
    _, grid = labelled({}, labelled_grid())
    assert style.method_order(grid.methods, grid) == ["dense", "magnitude", "Zebra", "Ape (2)"]
    assert grid.baseline == "Zebra"
    assert own_name("Zebra", grid) == "wanda"
    assert own_name("magnitude", grid) == "magnitude"
    assert relative("m-", "Zebra", grid) == "Monkey"
    assert relative("m-", "magnitude", grid) == "m-magnitude"
