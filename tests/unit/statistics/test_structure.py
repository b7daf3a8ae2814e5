"""Which languages are alike in a model, and which of them cover the others."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.statistics.files import ModuleInput, StatisticsFiles, write_statistics
from multiprune.statistics.structure import ALL, correlations, farthest_first

# Farthest first ----------------------------------------------------------------------------------


def between(points: list[float] | list[tuple[float, float]]) -> np.ndarray:
    """Distances of points on a line or in the plane."""
    places = np.array(points, dtype=float).reshape(len(points), -1)
    return np.linalg.norm(places[:, None] - places[None], axis=-1)


@pytest.mark.parametrize(
    ("points", "order", "radii"),
    [
        # Distances from all: 16, 13, 12, 13, 34. Then 10 is 8 off, 0 is 2, and 1 and 3 are 1.
        ([0, 1, 2, 3, 10], [2, 4, 0, 1, 3], [0, 8, 2, 1, 1]),
        # The same points in another order: of 3 and 1, the first in it.
        ([10, 3, 2, 1, 0], [2, 0, 4, 1, 3], [0, 8, 2, 1, 1]),
        # 0 and 4 lie as far from all others: the first. Then 4, and what is left is 0 off.
        ([0, 4, 0, 4], [0, 1, 2, 3], [0, 4, 0, 0]),
        ([7], [0], [0]),
        ([1, 5], [0, 1], [0, 4]),
        # A square and its middle, which begins; its corners are as far.
        ([(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)], [4, 0, 1, 2, 3], [0, *[2**0.5] * 4]),
    ],
)  # fmt: skip
def test_order_and_radii_by_hand(points, order, radii):
    found, distances = farthest_first(between(points))
    assert found == order
    assert distances == pytest.approx(radii)


def test_a_matrix_that_is_no_metric_by_hand():
    """1 - correlation is up to 2, and two languages may both be near to a third but not alike."""
    distances = np.array(
        [[0, 0.1, 0.2, 1.5], [0.1, 0, 1.9, 0.3], [0.2, 1.9, 0, 1], [1.5, 0.3, 1, 0]]
    )
    # Sums 1.8, 2.3, 3.1, 2.8; from the first 1.5 to the last; then 0.1 and 0.2 are left: the third.
    assert farthest_first(distances) == ([0, 3, 2, 1], [0.0, 1.5, 0.2, pytest.approx(0.1)])


def test_languages_that_are_all_alike_stand_as_they_came():
    assert farthest_first(np.zeros((4, 4))) == ([0, 1, 2, 3], [0, 0, 0, 0])
    assert farthest_first(1 - np.eye(3)) == ([0, 1, 2], [0, 1, 1])


POINTS = st.lists(st.tuples(*[st.integers(-20, 20)] * 2), min_size=1, max_size=7)


def uncovered(distances: np.ndarray, taken: tuple[int, ...] | list[int]) -> float:
    """How far the language is that lies farthest from all that are taken."""
    return float(distances[list(taken)].min(axis=0).max())


@settings(deadline=None)
@given(POINTS)
def test_every_prefix_covers_at_least_half_as_well_as_the_best_choice(points):
    """What Gonzalez (1985) proves, whichever comes first; radii are what is still uncovered."""
    distances = between(points)
    order, radii = farthest_first(distances)
    assert sorted(order) == list(range(len(points)))
    assert distances[order[0]].sum() == pytest.approx(distances.sum(axis=1).min())
    covers = [uncovered(distances, order[:size]) for size in range(1, len(order))]
    assert radii == pytest.approx([0, *covers])
    assert covers == sorted(covers, reverse=True)
    for size, found in enumerate(covers, start=1):
        best = min(uncovered(distances, taken) for taken in combinations(range(len(points)), size))
        assert found <= 2 * best + 1e-9


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8, unique=True), st.randoms())
def test_names_do_not_matter_where_nothing_ties(points, draw):
    distances = between(points)
    near = {round(value, 9) for value in distances[np.triu_indices(len(points), 1)]}
    sums = {round(value, 9) for value in distances.sum(axis=1)}
    if len(near) < len(points) * (len(points) - 1) // 2 or len(sums) < len(points):
        return
    turned = draw.sample(range(len(points)), len(points))
    order, radii = farthest_first(distances)
    again, same_radii = farthest_first(distances[np.ix_(turned, turned)])
    assert [turned[index] for index in again] == order
    assert same_radii == pytest.approx(radii)


# Correlations ------------------------------------------------------------------------------------

Norms = dict[tuple[int, str], list[list[float]]]  # by block and module: one row a language


def write(folder: Path, norms: Norms, languages: str = "abcdefgh") -> list[Path]:
    """Statistics of 4 tokens a language with these norms."""
    count = len(next(iter(norms.values())))
    paths = []
    for index, language in enumerate(languages[:count]):
        sums = {
            ModuleInput(f"model.layers.{block}.{module}", block, (f"{block}.{module}",)): {
                "sum_sq": 4 * np.square(np.array(rows[index], dtype=float)),
                "active": np.zeros(len(rows[index])),
            }
            for (block, module), rows in norms.items()
        }
        paths.append(folder / f"{language}.safetensors")
        write_statistics(paths[-1], sums, 4, {"model": "m", "activation_threshold": "1.0"})
    return paths


def read(paths: list[Path]) -> dict[str, np.ndarray]:
    with StatisticsFiles(paths) as files:
        return correlations(files)


def random_norms(blocks: int, languages: int = 3) -> Norms:
    draw = np.random.default_rng(blocks)
    widths = {"mlp.up_proj": 5, "mlp.down_proj": 8}
    return {
        (block, module): draw.random((languages, width)).tolist()
        for block in range(blocks)
        for module, width in widths.items()
    }


@pytest.mark.parametrize(
    ("blocks", "thirds"),
    [
        (1, {"early": [0]}),
        (2, {"early": [0], "middle": [1]}),
        (3, {"early": [0], "middle": [1], "late": [2]}),
        (4, {"early": [0, 1], "middle": [2], "late": [3]}),
        (5, {"early": [0, 1], "middle": [2, 3], "late": [4]}),
        (6, {"early": [0, 1], "middle": [2, 3], "late": [4, 5]}),
    ],
)
def test_correlations_are_means_over_the_inputs_of_a_third_of_the_blocks(tmp_path, blocks, thirds):
    norms = random_norms(blocks)
    found = read(write(tmp_path, norms))
    assert list(found) == [ALL, *thirds]
    for depth, chosen in ({ALL: list(range(blocks))} | thirds).items():
        own = [np.corrcoef(rows) for (block, _), rows in norms.items() if block in chosen]
        assert len(own) == 2 * len(chosen)
        np.testing.assert_allclose(found[depth], np.mean(own, axis=0), atol=1e-12)


def test_thirds_go_by_the_order_of_the_blocks_that_there_are(tmp_path):
    norms = {(block, "mlp.up_proj"): rows for (block, _), rows in random_norms(3).items()}
    found = read(write(tmp_path, norms))
    shifted = {(10 * block + 7, module): rows for (block, module), rows in norms.items()}
    for depth, matrix in read(write(tmp_path, shifted)).items():
        np.testing.assert_array_equal(matrix, found[depth])


def test_an_input_of_constant_norm_says_nothing_about_that_language(tmp_path):
    a, b, c = [1, 2, 3], [1, 3, 2], [3, 2, 1]
    norms = {(0, "mlp.up_proj"): [a, b, c], (1, "mlp.up_proj"): [a, b, [5, 5, 5]]}
    found = read(write(tmp_path, norms))
    # r(a, b) = 1/2 in both; r(a, c) = -1 and r(b, c) = -1/2 in the first alone.
    expected = [[1, 0.5, -1], [0.5, 1, -0.5], [-1, -0.5, 1]]
    np.testing.assert_allclose(found[ALL], expected, atol=1e-12)
    # No input of the second third compares c with anybody.
    np.testing.assert_allclose(found["middle"], [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 0]], atol=1e-12)


def test_one_language_correlates_with_itself(tmp_path):
    found = read(write(tmp_path, {(0, "mlp.up_proj"): [[1, 2, 4]]}))
    assert found[ALL].tolist() == [[pytest.approx(1)]]
