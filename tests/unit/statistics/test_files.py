"""Statistics of many languages as one: what merging gives, and what it holds in memory."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from tiny import write_llama
from transformers import LlamaForCausalLM

from multiprune.calibration.windows import Windows
from multiprune.errors import InputError
from multiprune.files.tensors import TensorFile, read_tensors, write_tensors
from multiprune.models.architectures import ARCHITECTURES
from multiprune.pruning.norms import pooled
from multiprune.statistics.files import (
    COUNTED,
    InputStatistics,
    LanguageStatistics,
    ModuleInput,
    StatisticsFiles,
    write_statistics,
)
from multiprune.statistics.merging import merge
from multiprune.statistics.passes import collect

LLAMA = ARCHITECTURES["llama"]
LENGTH = 12
UP = ModuleInput("model.layers.0.mlp.up_proj", 0, ("up.weight",))

# Merging is adding text --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = write_llama(tmp_path_factory.mktemp("models") / "llama")
    return LlamaForCausalLM.from_pretrained(folder).eval()


def write_collected(model, path: Path, windows: np.ndarray) -> Path:
    """Statistics of windows, each passed alone, so that which others there are changes no bit."""
    sums = collect(model, Windows.full(windows), LLAMA, batch_tokens=LENGTH, counts={"active": 1.0})
    arrays = {module_input: total.arrays() for module_input, total in sums.items()}
    provenance = {"model": "m", "activation_threshold": "1.0", COUNTED: "[1.0]"}
    write_statistics(path, arrays, windows.size, provenance)
    return path


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 999))
def test_merged_texts_have_the_statistics_of_all_their_windows(
    model, tmp_path_factory, samples, seed
):
    """Texts of 1 to 4 windows, each with words of its own."""
    folder, draw = tmp_path_factory.mktemp("texts"), np.random.default_rng(seed)
    texts = [
        draw.integers(50 * number, 50 * number + 60, (count, LENGTH)).astype(np.int32)
        for number, count in enumerate(samples)
    ]
    paths = [
        write_collected(model, folder / f"{number}.safetensors", windows)
        for number, windows in enumerate(texts)
    ]
    whole = write_collected(model, folder / "whole.safetensors", np.concatenate(texts))
    with StatisticsFiles(paths) as files, StatisticsFiles([whole]) as one:
        assert files.inputs == one.inputs
        assert len(files.inputs) == 8
        for module_input in files.inputs:
            (together,) = one.read(module_input, True)
            found = merge(files.read(module_input, True), "tokens")
            np.testing.assert_allclose(found.mean_square, together.mean_square, rtol=1e-12)
            norms = files.read(module_input).norms
            np.testing.assert_allclose(found.variance, norms.var(axis=0), rtol=1e-9, atol=1e-15)
            # Every window is as long, so that probabilities weighed by windows are those of all.
            active = [
                language.activation_probability for language in files.read(module_input, True)
            ]
            np.testing.assert_allclose(
                np.average(active, axis=0, weights=samples), together.activation_probability
            )
            np.testing.assert_allclose(
                found.activation_probability, np.mean(active, axis=0), rtol=1e-12
            )


# In memory ---------------------------------------------------------------------------------------

ROW = st.tuples(*[st.floats(0, 1e6)] * 3)
LANGUAGES = st.lists(st.tuples(st.integers(1, 10_000), ROW, st.floats(0.1, 50)), min_size=1)


def in_memory(rows: list[tuple[int, tuple, float]]) -> InputStatistics:
    languages = [
        LanguageStatistics(str(index), float(tokens), np.array(squares), np.full(3, tokens / 2))
        for index, (tokens, squares, _) in enumerate(rows)
    ]
    return InputStatistics(lambda: iter(languages))


@settings(deadline=None)
@given(LANGUAGES)
def test_the_variance_is_numpys_over_languages_whatever_they_weigh(rows):
    statistics = in_memory(rows)
    shares = {str(index): share for index, (_, _, share) in enumerate(rows)}
    expected = statistics.norms.var(axis=0)
    scale = 1e-9 * statistics.norms.max() ** 2 + 1e-300
    for weighting in ("tokens", "equal", "shares"):
        found = merge(statistics, weighting, shares).variance
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=scale)
        assert (found >= 0).all()


@settings(deadline=None)
@given(LANGUAGES)
def test_mean_squares_are_weighted_means_of_the_languages(rows):
    tokens, squares, shares = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    means = squares / tokens[:, None]
    named = {str(index): share for index, share in enumerate(shares)}
    weights = {"tokens": tokens, "equal": np.ones(len(rows)), "shares": shares}
    for weighting, weight in weights.items():
        found = merge(in_memory(rows), weighting, named)
        expected = np.average(means, axis=0, weights=weight)
        np.testing.assert_allclose(found.mean_square, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.activation_probability, np.full(3, 0.5))
        np.testing.assert_array_equal(
            pooled.norm(in_memory(rows), weighting, named), np.sqrt(found.mean_square)
        )


def test_a_small_spread_of_large_norms_is_not_lost():
    """Welford's update; the difference of two mean squares would have no digit of it left."""
    norms = 1e8 + np.array([[1.0], [2.0], [4.0]])
    rows = [LanguageStatistics(str(n), 1.0, row**2, row) for n, row in enumerate(norms)]
    found = merge(InputStatistics(lambda: iter(rows))).variance
    assert found == pytest.approx(14 / 9, rel=1e-6)  # deviations -4/3, -1/3, 5/3


def write_random(folder: Path, count: int, channels: int) -> list[Path]:
    """Statistics of many languages; one tensor of many channels each."""
    draw, paths = np.random.default_rng(0), []
    for number in range(count):
        sums = {"sum_sq": draw.random(channels), "active": np.ones(channels)}
        paths.append(folder / f"l{number:03}.safetensors")
        provenance = {"model": "m", "activation_threshold": "1.0"}
        write_statistics(paths[-1], {UP: sums}, 4, provenance)
    return paths


def peak(paths: list[Path]) -> int:
    """Most bytes at a time that opening files, and merging what they hold, took."""
    tracemalloc.start()
    try:
        with StatisticsFiles(paths) as files:
            merge(files.read(UP))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_languages(tmp_path):
    channels = 200_000
    paths = write_random(tmp_path, 40, channels)
    peak(paths)  # compares the checksums, for which files are read in parts, once and for all
    few, many = peak(paths[:4]), peak(paths)
    tensor = 8 * channels
    assert few > 4 * tensor  # what is measured is what is read
    assert many - few < tensor / 4
    with StatisticsFiles(paths) as files:
        tracemalloc.start()
        languages = [language.name for language in files.read(UP)]
        left = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert len(languages) == 40
    assert left < 2 * tensor  # of the last language at most


# Files of tensors --------------------------------------------------------------------------------

DTYPES = ("float64", "float32", "int64", "int32", "uint8")
ARRAYS = st.dictionaries(
    st.text("abc.", min_size=1, max_size=6),
    st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(1, 5), min_size=1, max_size=3)),
    min_size=1,
    max_size=5,
)


def open_files() -> set[str]:
    """What this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.add(os.readlink(descriptor))
        except OSError:  # that of iterdir itself
            continue
    return found


@settings(deadline=None)
@given(ARRAYS, st.integers(0, 99))
def test_tensors_are_those_that_the_library_reads(tmp_path_factory, layout, seed):
    draw = np.random.default_rng(seed)
    arrays = {
        name: (200 * draw.random(shape)).astype(dtype) for name, (dtype, shape) in layout.items()
    }
    path = tmp_path_factory.mktemp("tensors") / "x.safetensors"
    write_tensors(path, arrays, {"kind": "any", "empty": ""})
    expected, file = load_file(path), TensorFile(path)
    try:
        assert file.metadata == {"kind": "any", "empty": ""} == read_tensors(path)[1]
        for name in [*reversed(arrays), *arrays]:  # in any order, again and again
            found = file.read(name)
            assert found.dtype == arrays[name].dtype
            np.testing.assert_array_equal(found, arrays[name], strict=True)
            np.testing.assert_array_equal(found, expected[name], strict=True)
    finally:
        file.close()


def test_a_file_of_the_same_layout_is_read_at_its_own_place(tmp_path):
    """Files share a layout only where it is the same: other shapes lie elsewhere."""
    write_tensors(tmp_path / "a", {"x": np.arange(3.0), "y": np.arange(2)}, {})
    write_tensors(tmp_path / "b", {"x": np.arange(3.0) + 10, "y": np.arange(2) + 10}, {})
    write_tensors(tmp_path / "c", {"x": np.arange(5.0), "y": np.arange(2) + 20}, {})
    write_tensors(tmp_path / "d", {"x": np.arange(3.0), "y": np.arange(2)}, {"a longer": "header"})
    files = [TensorFile(tmp_path / "a")]
    files += [TensorFile(tmp_path / name, files[0]) for name in "bcd"]
    assert [file.read("y").tolist() for file in files] == [[0, 1], [10, 11], [20, 21], [0, 1]]
    assert [len(file.read("x")) for file in files] == [3, 3, 5, 3]
    for file in files:
        file.close()


def test_a_tensor_that_is_not_there_is_one_line(tmp_path):
    path = tmp_path / "x.safetensors"
    write_tensors(path, {"a": np.zeros(1)}, {})
    file = TensorFile(path)
    with pytest.raises(InputError) as error:
        file.read("b")
    file.close()
    assert str(error.value) == f"{path}: b cannot be read (the file has no such tensor)"


def test_files_are_open_for_as_long_as_they_are_read(tmp_path):
    paths = write_random(tmp_path, 3, 4)
    names = {str(path) for path in paths}
    with StatisticsFiles(paths) as files:
        assert names <= open_files()
        list(files.read(UP))
    assert not names & open_files()
    with pytest.raises(ValueError, match="closed file"):
        list(files.read(UP))


@pytest.mark.parametrize("broken", ["missing", "no safetensors", "no statistics"])
def test_files_that_were_opened_before_a_broken_one_are_closed(tmp_path, broken):
    *paths, last = write_random(tmp_path, 3, 4)
    last.unlink()
    if broken == "no safetensors":
        last.write_bytes(b"\0" * 20)
    elif broken == "no statistics":
        write_tensors(last, {"a": np.zeros(1)}, {})
    with pytest.raises(InputError, match=f"^{last}: "):
        StatisticsFiles([*paths, last])
    assert not {name for name in open_files() if str(tmp_path) in name}
