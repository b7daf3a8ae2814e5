"""Windows, statistics and masks that are not the model's or cannot be: one line and no file."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_lines import (
    collecting,
    evaluating,
    fetched,
    pruning,
    sampling,
    write_statistics_of_two,
    write_text,
)
from script_calls import assert_refused, call
from tiny import write_llama
from unit.pruning.data import UNIFORM
from unit.pruning.sequential.data import METHODS, WANDA, arguments, with_windows

from multiprune.files.tensors import read_tensors, write_tensors
from refusals.model_changes import number

UP = "model.layers.1.mlp.up_proj.weight"
MAGNITUDE = {"score": "magnitude", **UNIFORM}


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    return write_statistics_of_two(tmp_path_factory.mktemp("collected"))


def another_revision(folder: Path, collected: Path) -> Path:
    """The same model, but for one weight."""
    own = Path(shutil.copytree(collected / "own", folder / "own"))
    number(UP, 0.5)(own)
    return fetched(own)


# Windows -----------------------------------------------------------------------------------------

IDS = np.zeros((4, 16), np.int32)
WINDOWS = {
    "ids beyond the vocabulary": ({"input_ids": IDS + 258}, "has token ids from 258 to 258, Llama"),
    "negative ids": ({"input_ids": IDS - 1}, "has token ids from -1 to -1, LlamaForCausalLM"),
    "ids that are no int32": ({"input_ids": IDS.astype(np.float32)}, "holds no windows (input_ids"),
    "ids in one row": ({"input_ids": IDS[0]}, "holds no windows (input_ids int32 [samples, leng"),
    "no ids": ({"tokens": IDS}, "holds no windows (input_ids int32 [samples, length])"),
    "no window": ({"input_ids": IDS[:0]}, "holds no windows (input_ids int32 [samples, length])"),
    "a length that is missing": (
        {"input_ids": IDS, "lengths": np.full(3, 16, np.int32)},
        "its lengths are not those of its windows",
    ),
    "a length beyond the window": (
        {"input_ids": IDS, "lengths": np.full(4, 17, np.int32)},
        "its lengths are not those of its windows",
    ),
    "a window of nothing": (
        {"input_ids": IDS, "lengths": np.array([16, 16, 0, 16], np.int32)},
        "its lengths are not those of its windows",
    ),
    "windows longer than the model's positions": (
        {"input_ids": np.zeros((1, 257), np.int32)},
        "windows of 257 tokens are longer than the 256 positions",
    ),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_that_are_not_the_models(tmp_path, collected, name):
    stored, message = WINDOWS[name]
    windows, output = tmp_path / "en.safetensors", tmp_path / "statistics"
    write_tensors(windows, stored, {})
    words = collecting(collected / "models/tiny", windows, output)
    assert_refused(output, "collect_statistics", words, message)


def test_windows_of_another_revision(tmp_path, collected):
    windows, output = tmp_path / "en.safetensors", tmp_path / "statistics"
    drawing = sampling(collected / "models/tiny", write_text(tmp_path), windows)
    assert call("sample_calibration", *drawing) == (0, [])
    words = collecting(another_revision(tmp_path, collected), windows, output)
    message = f"{windows}: was drawn for another model or revision; remove it"
    assert_refused(output, "collect_statistics", words, message)


# Statistics and masks ----------------------------------------------------------------------------


def rewritten(folder: Path, path: Path, metadata: dict | None = None, **changes: object) -> Path:
    """A sound file with other tensors and metadata, and with a checksum that fits.

    `changes` are functions of a tensor, by the end of its name.
    """
    arrays, notes = read_tensors(path)
    for end, change in changes.items():
        arrays |= {name: change(array) for name, array in arrays.items() if name.endswith(end)}
    stored = {name: array for name, array in arrays.items() if array is not None}
    write_tensors(folder / path.name, stored, notes | (metadata or {}))
    return folder / path.name


def value(number: float) -> Callable[[np.ndarray], np.ndarray]:
    """All numbers of a tensor."""
    return lambda array: np.full_like(array, number)


NORM = {"kind": "cross_lingual", "dispersion_weight": 0.0, "activation_weight": 1.0}
ACTIVITY = {**WANDA, "norm": NORM}  # a method that reads how often channels are active
COUNTS = {"negative counts", "more active tokens than tokens"}
STATISTICS = {
    "NaN": ({"sum_sq": value(np.nan)}, {}, ".sum_sq holds numbers that are not finite; remove"),
    "negative squares": ({"sum_sq": value(-1)}, {}, ".sum_sq holds negative numbers; remove the"),
    "negative counts": ({"active": value(-1)}, {}, ".active holds negative numbers; remove the"),
    "more active tokens than tokens": ({"active": value(65)}, {}, ".active counts 65 of 64 tokens"),
    "a matrix": (
        {"sum_sq": lambda array: array[None]},
        {},
        ".sum_sq is 1x",
    ),
    "no channels": ({"sum_sq": lambda array: array[:0]}, {}, ".sum_sq is 0 numbers"),
    "one channel for all": (
        {"sum_sq": lambda array: array[:1], "active": lambda array: array[:1]},
        {},
        "columns, its statistics are of 1 channels; collect them anew on this model",
    ),
    "sums that are missing": ({"sum_sq": lambda _: None}, {}, ".sum_sq cannot be read ("),
    "no tokens": ({}, {"tokens": "0"}, "is of '0' tokens, at least 1 is needed"),
    "tokens that are no number": ({}, {"tokens": "-64"}, "is of '-64' tokens, at least 1 is"),
    "another model": (
        {},
        {"model": "0" * 64},
        "was collected on another model or revision",
    ),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_that_cannot_be(tmp_path, collected, name):
    changes, metadata, message = STATISTICS[name]
    statistics = rewritten(tmp_path, collected / "en", metadata, **changes)
    output = tmp_path / "mask.safetensors"
    method = ACTIVITY if name in COUNTS else WANDA
    words = pruning(collected / "models/tiny", output, method, statistics)
    assert_refused(output, "prune_model", words, message)


def test_languages_with_different_channels(tmp_path, collected):
    german = rewritten(tmp_path, collected / "de", sum_sq=lambda array: array[1:])
    output = tmp_path / "mask.safetensors"
    method = METHODS["m-wanda"]
    words = pruning(collected / "models/tiny", output, method, collected / "en", german)
    assert_refused(output, "prune_model", words, "sum_sq is ", " channels; remove the file")


def test_statistics_and_mask_of_another_revision(tmp_path, collected):
    mask = tmp_path / "mask.safetensors"
    assert call("prune_model", *pruning(collected / "models/tiny", mask, MAGNITUDE))[0] == 0
    model, output = another_revision(tmp_path, collected), tmp_path / "output"
    words = pruning(model, output, WANDA, collected / "en")
    message = f"{collected / 'en'}: was collected on another model or revision"
    assert_refused(output, "prune_model", words, message)
    words = evaluating(model, mask, output)
    assert_refused(output, "evaluate_perplexity", words, f"{mask}: was made for another model or")


MASKS = {
    "bytes that are missing": ({UP: lambda array: array[:, :-1]}, {}, "each of 48x32 weights"),
    "bytes that are no bytes": ({UP: lambda array: array.astype(np.int32)}, {}, "of 48x32 weights"),
    "a shape that is missing": (
        {},
        {"shapes": "{}"},
        "its metadata has no shape of model.layer",
    ),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_that_cannot_be(tmp_path, collected, name):
    changes, metadata, message = MASKS[name]
    sound, output = tmp_path / "sound/mask.safetensors", tmp_path / "output"
    assert call("prune_model", *pruning(collected / "models/tiny", sound, MAGNITUDE))[0] == 0
    mask = rewritten(tmp_path, sound, metadata, **changes)
    words = evaluating(collected / "models/tiny", mask, output)
    assert_refused(output, "evaluate_perplexity", words, f"error: {mask}: ", message)


def test_statistics_of_windows_of_another_length(tmp_path):
    """Sequential propagation reads both; an allocation by OWL is decided on the statistics."""
    folder = with_windows(write_llama(tmp_path / "model").parent)
    windows, output = folder / "windows/en.safetensors", folder / "mask.safetensors"
    ids = read_tensors(windows)[0]["input_ids"]
    write_tensors(windows, {"input_ids": ids[:, :8].copy()}, {})
    _script, *words = arguments(folder, output, "owl")
    message = f"statistics/en.safetensors: was collected on other windows than {windows}"
    assert_refused(output, "prune_sequentially", words, message)
