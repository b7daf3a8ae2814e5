"""Tables of the residual stream, by hand and against the plain definition."""

import numpy as np
import pytest

from multiprune.errors import InputError
from multiprune.statistics.files import ModuleInput, write_statistics
from multiprune.tables import residual_dimensions, residual_overlap
from unit.tables.sets_data import grid_of

UP = ModuleInput("model.layers.0.mlp.up_proj", 0, ("up",))
NORMS = {  # of two layers
    "en": ([5.0, 4, 3, 2, 1], [1.0, 2, 3, 4, 5]),
    "en-fr": ([5.0, 1, 3, 2, 4], [5.0, 4, 3, 2, 1]),
    "code": ([1.0, 2, 3, 4, 5], [1.0, 2, 3, 4, 5]),
}
# With 2 of 5 features. Layer 0: en's top are 0, 1 and bottom 3, 4; en-fr's 0, 4 and 1, 3; code's
# 3, 4 and 0, 1. Layer 1: en's and code's top are 3, 4, bottom 0, 1; en-fr's the other way round.
OVERLAPS = {
    ("en", "en-fr"): (1 / 2 + 1) / 2, ("en-fr", "en"): (1 / 2 + 1) / 2,
    ("en", "code"): (1 + 0) / 2, ("code", "en"): (1 + 0) / 2,
    ("en-fr", "code"): (1 / 2 + 1) / 2, ("code", "en-fr"): (1 / 2 + 1) / 2,
}  # fmt: skip


def write(folder, norms, seed=0):
    for name, layers in norms.items():
        path = folder / "m" / f"seed{seed}" / "statistics" / f"{name}.safetensors"
        provenance = {"model": "f", "activation_threshold": "1.0"}
        residual = [np.array(layer) for layer in layers]
        write_statistics(path, {UP: {"sum_sq": np.ones(2)}}, 4, provenance, residual)
    return folder


def test_top_against_bottom_by_hand(tmp_path):
    table = residual_overlap.tabulate(write(tmp_path, NORMS), "m", grid_of(NORMS))
    assert list(table.columns) == residual_overlap.COLUMNS
    cells = table.set_index(["set_a", "set_b"])["overlap"].to_dict()
    assert cells == OVERLAPS
    assert set(table["chance"]) == {0.4}


def test_top_against_bottom_is_not_symmetric_and_equals_the_sets_definition(tmp_path):
    draw = np.random.default_rng(0)
    norms = {name: list(draw.random((3, 40))) for name in ("a", "b", "c", "code")}
    for seed in (0, 1):
        write(tmp_path, norms, seed)
    table = residual_overlap.tabulate(tmp_path, "m", grid_of(norms, (0, 1)))
    assert len(table) == 2 * 4 * 3
    cells = table[table["seed"] == 0].set_index(["set_a", "set_b"])["overlap"]
    for (a, b), found in cells.items():
        shares = []
        for one, other in zip(norms[a], norms[b], strict=True):
            top, bottom = set(np.argsort(one)[-16:]), set(np.argsort(other)[:16])
            shares.append(len(top & bottom) / 16)
        assert found == pytest.approx(np.mean(shares))
    assert any(cells[a, b] != cells[b, a] for a, b in cells.index)


def test_one_set_has_no_overlap(tmp_path):
    assert residual_overlap.tabulate(tmp_path, "m", grid_of(["en"])).empty


def test_the_largest_dimensions_by_hand(tmp_path):
    norms = {"en": ([1.0, 9, 4, 0],), "fr": ([3.0, 7, 0, 6],)}
    table = residual_dimensions.tabulate(write(tmp_path, norms), "m", grid_of(norms), 2)
    assert list(table.columns) == residual_dimensions.COLUMNS
    # means 2, 8, 2, 3, of which 2.5 is the median; of en 1 and 2 are largest, of fr 1 and 3
    assert table.to_numpy().tolist() == [
        ["m", 0, 0, 1, 1, 8.0, 2.5, 2, 2],
        ["m", 0, 0, 2, 3, 3.0, 2.5, 1, 2],
    ]


def test_statistics_without_a_residual_stream_are_one_line(tmp_path):
    write(tmp_path, {"en": (), "fr": ()})
    with pytest.raises(InputError, match=r"has no norms of the residual stream; remove it$"):
        residual_overlap.tabulate(tmp_path, "m", grid_of(["en", "fr"]))
