import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.errors import InputError
from multiprune.statistics.files import ModuleInput, write_statistics
from multiprune.tables.features import features, shared
from multiprune.tables.overlap import COLUMNS, tabulate
from unit.tables.sets_data import grid_of


def test_features_by_hand_with_ties():
    norms = np.array([[3.0, 1.0, 2.0, 3.0, 1.0], [0.0, 5.0, 4.0, 5.0, 5.0]])
    assert np.nonzero(features(norms, 0.4, "top")[0])[0].tolist() == [0, 3]
    assert np.nonzero(features(norms, 0.4, "top")[1])[0].tolist() == [1, 3]  # 4 ties with them
    assert np.nonzero(features(norms, 0.2, "top")[0])[0].tolist() == [0]
    assert np.nonzero(features(norms, 0.2, "bottom")[0])[0].tolist() == [1]
    assert np.nonzero(features(norms, 0.4, "bottom")[1])[0].tolist() == [0, 2]
    assert features(norms, 0.001, "top").sum(axis=1).tolist() == [1, 1]  # at least one


def test_many_ties_go_to_the_lowest_channels():
    norms = np.random.default_rng(1).integers(0, 3, (1, 1000)).astype(float)
    for end, sign in (("top", -1), ("bottom", 1)):
        first = np.lexsort((np.arange(1000), sign * norms[0]))[:100]
        assert np.nonzero(features(norms, 0.1, end)[0])[0].tolist() == sorted(first.tolist())


def test_shared_by_hand():
    chosen = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]], dtype=bool)
    assert shared(chosen, chosen).tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(2, 5), st.floats(0.01, 0.5), st.integers(0, 99))
def test_overlap_is_symmetric_and_does_not_depend_on_scale(channels, sets, share, seed):
    norms = np.random.default_rng(seed).random((sets, channels)).round(1)
    for end in ("top", "bottom"):
        chosen = features(norms, share, end)
        assert (chosen.sum(axis=1) == max(1, round(share * channels))).all()
        np.testing.assert_array_equal(chosen, features(norms * 8, share, end))
        overlap = shared(chosen, chosen)
        np.testing.assert_array_equal(overlap, overlap.T)
        assert (np.diag(overlap) == 1).all()
        least_chosen = np.where(chosen, norms, np.inf if end == "top" else -np.inf)
        others = np.where(chosen, -np.inf if end == "top" else np.inf, norms)
        if end == "top":
            assert (least_chosen.min(axis=1) >= others.max(axis=1)).all()
        else:
            assert (least_chosen.max(axis=1) <= others.min(axis=1)).all()


def test_unrelated_sets_meet_by_chance():
    norms = np.random.default_rng(0).random((40, 500))
    chosen = features(norms, 0.1, "top")
    overlap = shared(chosen, chosen)
    assert overlap[np.triu_indices(40, 1)].mean() == pytest.approx(0.1, abs=0.005)


# The table.

UP, DOWN = "mlp.up_proj", "mlp.down_proj"
SETS = {  # norms of up in block 0, up in block 1, down in block 0; the shares of 4 channels: 2
    "en": ([4, 3, 2, 1], [4, 3, 2, 1], [1, 2, 3, 4]),
    "en-fr": ([4, 3, 1, 2], [4, 2, 3, 1], [1, 2, 3, 4]),
    "code": ([1, 2, 3, 4], [4, 1, 3, 2], [4, 3, 2, 1]),
}
UP_TOP = {("en", "en-fr"): (1 + 0.5) / 2, ("code", "en"): (0 + 0.5) / 2}
UP_TOP[("code", "en-fr")] = (0 + 1) / 2


def write(folder, sets=SETS, seed=0, tokens=4):
    places = [(UP, 0), (UP, 1), (DOWN, 0)]
    for name, norms in sets.items():
        sums = {
            ModuleInput(f"model.layers.{block}.{module}", block, (f"{block}.{module}",)): {
                "sum_sq": tokens * np.square(np.array(values, dtype=float)),
            }
            for (module, block), values in zip(places, norms, strict=True)
        }
        path = folder / "m" / f"seed{seed}" / "statistics" / f"{name}.safetensors"
        write_statistics(path, sums, tokens, {"model": "f", "activation_threshold": "1.0"})
    return folder


def cells(table, **key):
    for name, value in key.items():
        table = table[table[name] == value]
    return {(a, b): v for a, b, v in zip(table.set_a, table.set_b, table.overlap, strict=True)}


def test_the_table_by_hand(tmp_path):
    table = tabulate(write(tmp_path), "m", grid_of(SETS), 0.5)
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * 2 * 3  # inputs, ends, pairs
    assert cells(table, input="up_proj", end="top") == UP_TOP
    assert cells(table, input="up_proj", end="bottom") == UP_TOP  # the other half
    expected = {("en", "en-fr"): 1, ("code", "en"): 0, ("code", "en-fr"): 0}
    assert cells(table, input="down_proj", end="top") == expected
    assert set(table["chance"]) == {0.5}
    assert set(table["seed"]) == {0}


def test_the_order_of_sets_and_their_token_counts_do_not_matter(tmp_path):
    write(tmp_path)
    first = tabulate(tmp_path, "m", grid_of(SETS), 0.25)
    write(tmp_path, {"code": SETS["code"]}, tokens=64)
    again = tabulate(tmp_path, "m", grid_of(reversed(SETS)), 0.25)
    pd.testing.assert_frame_equal(first, again)


def test_one_set_gives_an_empty_table(tmp_path):
    table = tabulate(tmp_path, "m", grid_of(["en"]))
    assert table.empty
    assert list(table.columns) == COLUMNS


def test_at_least_one_channel_is_a_feature(tmp_path):
    table = tabulate(write(tmp_path), "m", grid_of(["en", "code"]))  # a tenth of 4 channels
    assert cells(table, input="up_proj", end="top") == {("code", "en"): 0.5}


def test_a_set_without_statistics_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"statistics/zh\.safetensors: no such file$"):
        tabulate(write(tmp_path), "m", grid_of(["en", "zh"]))
