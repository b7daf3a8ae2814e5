import json
import string
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tabulate_overlap as script
from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.figures import captions_overlap, feature_overlap, style
from multiprune.files.tables import COLUMNS, read_table
from multiprune.statistics.files import ModuleInput, write_statistics
from multiprune.tables.overlap import features, shared, tabulate_overlap

NAMES = {"en": "English", "fr": "French", "ru": "Russian"}


def grid_of(names=NAMES, seeds=(0,)) -> Grid:
    content = {
        "seeds": list(seeds),
        "languages": {code: {"role": "calibration", "name": name} for code, name in names.items()},
        "methods": {"dense": {"seeds": [seeds[0]], "sparsities": ["0"], "calibration": []}},
    }
    return Grid.parse(json.dumps(content))


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
    assert shared(chosen).tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(2, 5), st.floats(0.01, 0.5), st.integers(0, 99))
def test_overlap_is_symmetric_and_does_not_depend_on_scale(channels, sets, share, seed):
    norms = np.random.default_rng(seed).random((sets, channels)).round(1)
    for end in ("top", "bottom"):
        chosen = features(norms, share, end)
        assert (chosen.sum(axis=1) == max(1, round(share * channels))).all()
        np.testing.assert_array_equal(chosen, features(norms * 8, share, end))
        overlap = shared(chosen)
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
    overlap = shared(features(norms, 0.1, "top"))
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
    table = tabulate_overlap(write(tmp_path), "m", grid_of(), list(SETS), 0.5)
    assert list(table.columns) == COLUMNS["overlap"]
    assert len(table) == 2 * 2 * 3  # inputs, ends, pairs
    assert cells(table, input="up_proj", end="top") == UP_TOP
    assert cells(table, input="up_proj", end="bottom") == UP_TOP  # the other half
    expected = {("en", "en-fr"): 1, ("code", "en"): 0, ("code", "en-fr"): 0}
    assert cells(table, input="down_proj", end="top") == expected
    assert set(table["chance"]) == {0.5}
    assert set(table["seed"]) == {0}


def test_the_order_of_sets_and_their_token_counts_do_not_matter(tmp_path):
    write(tmp_path)
    first = tabulate_overlap(tmp_path, "m", grid_of(), list(SETS), 0.25)
    write(tmp_path, {"code": SETS["code"]}, tokens=64)
    again = tabulate_overlap(tmp_path, "m", grid_of(), [*reversed(SETS), "en"], 0.25)
    pd.testing.assert_frame_equal(first, again)


def test_one_set_gives_an_empty_table_with_its_header(tmp_path, monkeypatch):
    grid = '{"seeds": [0], "languages": {}, "methods": {"dense": {"seeds": [0]}}}'
    flags = ["--results", str(tmp_path), "--model", "m", "--grid", grid]
    flags += ["--output", str(tmp_path / "overlap.csv")]
    monkeypatch.setattr("sys.argv", ["tabulate_overlap.py", *flags, "--sets", '["en"]'])
    script.main()
    assert read_table(tmp_path / "overlap.csv", COLUMNS["overlap"]).empty
    write(tmp_path)
    monkeypatch.setattr("sys.argv", ["tabulate_overlap.py", *flags, "--sets", '["en","code"]'])
    script.main()
    table = read_table(tmp_path / "overlap.csv", COLUMNS["overlap"])
    assert cells(table, input="up_proj", end="top") == {("code", "en"): 0.5}  # one channel of 4


@pytest.mark.parametrize("sets", ["en", '"en"', "[1]", '{"en": 1}'])
def test_sets_that_are_no_list_of_names_are_one_line(sets):
    with pytest.raises(InputError, match=r"^--sets: "):
        script.names(sets)


@pytest.mark.parametrize("share", [0.0, -0.1, 0.6])
def test_a_share_out_of_range_is_one_line(tmp_path, share):
    with pytest.raises(InputError, match=r"^--share: .* more than 0 and at most 0\.5 is allowed$"):
        tabulate_overlap(tmp_path, "m", grid_of(), ["en", "fr"], share)


def test_a_set_without_statistics_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"statistics/zh\.safetensors: no such file$"):
        tabulate_overlap(write(tmp_path), "m", grid_of(), ["en", "zh"], 0.1)


# The figure.


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
    assert labels == ["English", "English → French", "French", "code"]
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
    assert [t for t in texts if t not in numbers] == list(feature_overlap.GROUPS.values())


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
    caption = captions_overlap.overlap_of_features(
        {"overlap": table_of(OVERLAPS, seeds=(0, 1))}, grid_of(), "m"
    )
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
    caption = captions_overlap.overlap_of_features(empty, grid_of(), "m")
    assert caption.strip() == feature_overlap.EMPTY
