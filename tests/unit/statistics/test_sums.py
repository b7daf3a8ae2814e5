import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from multiprune.errors import InputError
from multiprune.files.tensors import read_tensors, write_tensors
from multiprune.statistics.files import (
    ABOVE,
    COUNTED,
    ModuleInput,
    StatisticsFiles,
    count_key,
    write_statistics,
)
from multiprune.statistics.readings import Absolute
from multiprune.statistics.sums import ActivationSums

# Two tokens of root mean square sqrt(25 / 2) and 1.
TOKENS = torch.tensor([[3.0, -4.0], [1.0, 1.0]])
ATTENTION = ModuleInput("model.layers.0.self_attn.q_proj", 0, ("q.weight", "k.weight"))
DOWN = ModuleInput("model.layers.0.mlp.down_proj", 0, ("down.weight",))


def summed(*batches: torch.Tensor, **counts: float) -> ActivationSums:
    sums = ActivationSums(batches[0].shape[-1], counts)
    for batch in batches:
        sums.update(batch)
    return sums


def same_sums(found: ActivationSums, expected: ActivationSums):
    assert found.tokens == expected.tokens
    assert found.arrays().keys() == expected.arrays().keys()
    for key, sums in expected.arrays().items():
        np.testing.assert_allclose(found.arrays()[key], sums, rtol=1e-9, atol=1e-9)


def test_sums_by_hand():
    sums = summed(TOKENS, active=1.0)
    found = {key: array.tolist() for key, array in sums.arrays().items()}
    # |3| < 3.54 < |-4|; |1| is not above the second token's root mean square of 1.
    assert found == {"sum_sq": [10, 17], "active": [0, 1]}
    assert sums.tokens == 2
    assert sums.arrays()["sum_sq"].dtype == np.float64


@pytest.mark.parametrize(("threshold", "active"), [(0.75, [2, 2]), (0.9, [1, 2]), (2.0, [0, 0])])
def test_threshold_is_a_multiple_of_the_tokens_root_mean_square(threshold, active):
    # 0.9 * 3.54 = 3.18 > 3, and 0.75 * 3.54 = 2.65 < 3.
    assert summed(TOKENS, active=threshold).arrays()["active"].tolist() == active


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_counted_changes_no_sum(dtype):
    batches = torch.randn(3, 50, 7, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = summed(*batches, one=1.0, half=0.5, two=2.0).arrays()
    plain = summed(*batches).arrays()
    assert plain.keys() == {"sum_sq"}
    assert found.keys() == {"sum_sq", "one", "half", "two"}
    np.testing.assert_array_equal(found["sum_sq"], plain["sum_sq"])
    x = batches.double().reshape(-1, 7).numpy()
    rms = np.sqrt((x**2).mean(axis=1, keepdims=True))
    for key, threshold in (("one", 1), ("half", 0.5), ("two", 2)):
        np.testing.assert_array_equal(found[key], (np.abs(x) > threshold * rms).sum(axis=0))


def test_further_sums_and_absolute_thresholds_by_hand():
    sums = ActivationSums(2, {"active": 1.0, "above": Absolute(3)}, further=["sum", "sum_abs"])
    sums.update(TOKENS)
    found = {key: array.tolist() for key, array in sums.arrays().items()}
    assert found == {
        "sum_sq": [10, 17], "active": [0, 1], "above": [0, 1], "sum": [4, -3], "sum_abs": [4, 5],
    }  # fmt: skip


def test_what_is_read_is_what_was_asked_for(tmp_path):
    counts = {"active": 1.0, count_key(Absolute(1.0), 1.0): Absolute(1.0)}
    sums = ActivationSums(2, counts, further=["sum"])
    sums.update(TOKENS)
    provenance = {"model": "m", "activation_threshold": "1.0", COUNTED: "[1.0]", ABOVE: "[1.0]"}
    write_statistics(tmp_path / "en.safetensors", {DOWN: sums.arrays()}, 2, provenance)
    with StatisticsFiles([tmp_path / "en.safetensors"]) as files:
        (relative,) = files.read(DOWN, True)
        (absolute,) = files.read(DOWN, True, None, True, "sum")
        assert relative.active.tolist() == [0, 1]
        assert relative.total is None
        assert absolute.active.tolist() == [1, 1]
        assert absolute.mean.tolist() == [2, -1.5]
        with pytest.raises(InputError, match=r"down_proj\.sum_abs cannot be read"):
            list(files.read(DOWN, further="sum_abs"))
        with pytest.raises(InputError, match=r"only at 1; .* --absolute-thresholds$"):
            files.read(DOWN, True, 2.0, True)


def test_counts_of_other_tokens_are_added():
    merged = summed(TOKENS[:1], one=1.0, less=0.75)
    merged.merge(summed(TOKENS[1:], one=1.0, less=0.75))
    assert merged.arrays()["one"].tolist() == [0, 1]
    assert merged.arrays()["less"].tolist() == [2, 2]


def test_the_sign_of_an_input_says_nothing():
    np.testing.assert_array_equal(
        summed(-TOKENS, active=1.0).arrays()["active"],
        summed(TOKENS, active=1.0).arrays()["active"],
    )


@pytest.mark.parametrize("padding", [7.0, 1e30, float("nan"), float("inf")])
def test_padding_never_counts(padding):
    padded = torch.full((2, 3, 2), padding)
    counted = torch.zeros(2, 3, dtype=torch.bool)
    padded[0, 0], padded[1, 2] = TOKENS[0], TOKENS[1]
    counted[0, 0] = counted[1, 2] = True
    sums = ActivationSums(2, {"active": 1.0})
    sums.update(padded, counted)
    same_sums(sums, summed(TOKENS, active=1.0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_inputs_are_squared_and_summed_in_full_precision(dtype):
    # 300^2 overflows float16; 4097 additions of 1 stop at 256 in bfloat16 and 2048 in float16.
    inputs = torch.tensor([[300.0, 1.0]], dtype=dtype).expand(4097, 2)
    found = summed(inputs, active=1.0).arrays()
    value = float(torch.tensor(300.0, dtype=dtype))
    assert found["sum_sq"].tolist() == [4097 * value**2, 4097]
    assert found["active"].tolist() == [4097, 0]


BATCHES = st.lists(
    st.lists(st.tuples(*[st.floats(-1e4, 1e4, width=32)] * 3), min_size=1, max_size=6),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(BATCHES, st.randoms(use_true_random=False))
def test_any_split_into_batches_and_any_order_of_merging(batches, random):
    tensors = [torch.tensor(batch) for batch in batches]
    expected = summed(torch.cat(tensors))
    same_sums(summed(*tensors), expected)
    parts = [summed(tensor) for tensor in tensors]
    random.shuffle(parts)
    merged = ActivationSums(3)
    for part in parts:
        merged.merge(part)
    same_sums(merged, expected)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 5))
def test_shape_before_channels_does_not_matter(rows, length):
    inputs = torch.randn(rows, length, 3, generator=torch.Generator().manual_seed(rows))
    same_sums(summed(inputs), summed(inputs.reshape(-1, 3)))


# On disk.


def write(folder, language, sum_sq, tokens=2, model="m", inputs=(ATTENTION, DOWN)):
    sums = {
        i: {"active": np.ones(2), "sum_sq": np.array(sum_sq) * (n + 1)}
        for n, i in enumerate(inputs)
    }
    path = folder / f"{language}.safetensors"
    provenance = {"model": model, "activation_threshold": "1.0", COUNTED: "[1.0]"}
    write_statistics(path, sums, tokens, provenance)
    return path


def test_files_are_read_as_one_row_a_language_sorted_by_name(tmp_path):
    paths = [write(tmp_path, "fr", [9.0, 6.0], 3), write(tmp_path, "de", [2.0, 8.0], 2)]
    for order in (paths, paths[::-1]):
        with StatisticsFiles(order) as files:
            assert files.languages == ["de", "fr"]
            assert [i.name for i in files.inputs] == [DOWN.name, ATTENTION.name]
            found = files.read(ATTENTION, True)
            assert not found.feeds_down_projection
            de, fr = found
            assert np.sqrt([[1, 4], [3, 2]]).tolist() == found.norms.tolist()
        assert (de.name, de.tokens, de.sum_sq.tolist()) == ("de", 2, [2, 8])
        assert (fr.name, fr.tokens, fr.sum_sq.tolist()) == ("fr", 3, [9, 6])
        assert fr.mean_square.tolist() == [3, 2]
        assert fr.activation_probability.tolist() == [1 / 3, 1 / 3]


def test_each_parameter_finds_the_input_it_is_multiplied_with(tmp_path):
    with StatisticsFiles([write(tmp_path, "de", [2.0, 8.0])]) as files:
        assert files.input_of("k.weight") == ATTENTION
        assert files.input_of("down.weight") == DOWN
        assert files.read(DOWN).feeds_down_projection
        assert [language.sum_sq.tolist() for language in files.read(DOWN)] == [[4, 16]]
        with pytest.raises(InputError, match=r"de\.safetensors: has no statistics for up\.weight"):
            files.input_of("up.weight")


def test_a_file_written_twice_is_byte_identical(tmp_path):
    first = write(tmp_path, "de", [2.0, 8.0]).read_bytes()
    assert write(tmp_path, "de", [2.0, 8.0], inputs=(ATTENTION, DOWN)).read_bytes() == first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "other"}, r"fr\.safetensors: its model differs from that of .*de\.safetensors"),
        ({"inputs": (ATTENTION,)}, r"fr\.safetensors: its groups differs"),
    ],
)
def test_statistics_of_another_model_are_refused(tmp_path, changes, message):
    paths = [write(tmp_path, "de", [1.0, 1.0]), write(tmp_path, "fr", [1.0, 1.0], **changes)]
    with pytest.raises(InputError, match=message):
        StatisticsFiles(paths)


def test_statistics_must_belong_to_the_model_that_is_pruned(tmp_path):
    with StatisticsFiles([write(tmp_path, "de", [1.0, 1.0])]) as files:
        files.must_belong_to("m")
        with pytest.raises(InputError, match=r"was collected on another model or revision"):
            files.must_belong_to("n")


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    with (
        StatisticsFiles([write(tmp_path, "de", [np.inf, 1.0])]) as files,
        pytest.raises(InputError, match=r"q_proj\.sum_sq holds numbers that are not finite"),
    ):
        list(files.read(ATTENTION))


# Counts at several thresholds.


def write_counts(folder, language, *thresholds):
    counts = {count_key(threshold, 0.9): threshold for threshold in thresholds}
    sums = summed(TOKENS, **counts)
    path = folder / f"{language}.safetensors"
    provenance = {"model": "m", "activation_threshold": "0.9", COUNTED: json.dumps(thresholds)}
    write_statistics(path, {ATTENTION: sums.arrays()}, sums.tokens, provenance)
    return path


def test_each_threshold_has_its_count(tmp_path):
    thresholds = (0.75, 0.9, 2.0)
    paths = [write_counts(tmp_path, name, *thresholds) for name in ("de", "fr")]
    with StatisticsFiles(paths) as files:
        for threshold, active in [(None, [1, 2]), (0.9, [1, 2]), (0.75, [2, 2]), (2, [0, 0])]:
            for language in files.read(ATTENTION, True, threshold):
                assert language.active.tolist() == active
                assert language.sum_sq.tolist() == [10, 17]


@pytest.mark.parametrize(
    ("thresholds", "counts"),
    [((), set()), ((0.9,), {"active"}), ((0.5, 0.9), {"active@0.5", "active"})],
)
def test_a_file_holds_the_squares_and_what_was_counted(tmp_path, thresholds, counts):
    tensors, _metadata = read_tensors(write_counts(tmp_path, "de", *thresholds))
    keys = {f"{ATTENTION.name}.{key}" for key in {"sum_sq", *counts}}
    assert tensors.keys() == keys | {"tokens"}


def test_activity_is_read_only_where_it_is_asked_for(tmp_path):
    with StatisticsFiles([write_counts(tmp_path, "de", 0.9)]) as files:
        assert [language.active for language in files.read(ATTENTION)] == [None]


def test_a_threshold_that_is_not_counted_names_the_file_and_those_that_are(tmp_path):
    paths = [write_counts(tmp_path, "de", 0.5, 2.0), write_counts(tmp_path, "fr", 0.5, 0.9)]
    with StatisticsFiles(paths) as files:
        files.read(ATTENTION, True, 0.5)
        with pytest.raises(InputError) as error:
            files.read(ATTENTION, True, 2.0)
    assert str(error.value) == (
        f"{paths[1]}: activity is not counted at activation_threshold 2, only at 0.5, 0.9; "
        "collect the statistics with --activation-thresholds"
    )


def test_another_kind_of_file_is_one_line(tmp_path):
    write_tensors(tmp_path / "x.safetensors", {"a": np.zeros(1)}, {})
    with pytest.raises(InputError, match=r"x\.safetensors: is not a statistics file"):
        StatisticsFiles([tmp_path / "x.safetensors"])
