"""Orders of languages: whose statistics a method takes, by the library and by the scripts."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from command_lines import collecting, fetched, pruning, write_windows
from script_calls import assert_refused, call, refusal
from tiny import write_llama

from multiprune.errors import InputError
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json, write_json
from multiprune.files.manifests import checked_fingerprint
from multiprune.files.tensors import read_tensors
from multiprune.pruning.files import mask_hash
from multiprune.statistics.files import COUNTED, ModuleInput, write_statistics
from multiprune.statistics.structure import chosen_statistics, read_order
from unit.pruning.data import M_WANDA, WANDA


def write(folder: Path, name: str, square: float) -> Path:
    """Statistics of one module input with two channels."""
    module_input = ModuleInput("model.layers.0.mlp.up_proj", 0, ("up.weight",))
    sums = {"sum_sq": np.array([square, 1.0]), "active": np.zeros(2)}
    path = folder / f"{name}.safetensors"
    write_statistics(
        path,
        {module_input: sums},
        4,
        {"model": "m", "activation_threshold": "1.0", COUNTED: "[1.0]"},
    )
    return path


@pytest.fixture
def ranked(tmp_path) -> tuple[Path, list[str]]:
    """An order c, a, b of three statistics files, as rank_languages.py writes it."""
    paths = [write(tmp_path, name, number) for number, name in enumerate("abc", start=1)]
    order = tmp_path / "order.json"
    content = {"languages": ["c", "a", "b"], "distances": [0, 1, 0.5]}
    inputs = {path.name: sha256_file(path) for path in paths}
    write_json(order, content | {"provenance": {"inputs": inputs}})
    return order, [str(path) for path in paths]


@pytest.mark.parametrize(("size", "taken"), [(1, "c"), (2, "ac"), (3, "abc")])
def test_an_order_takes_the_files_of_its_first_languages_sorted(ranked, size, taken):
    order, paths = ranked
    expected = [str(order.with_name(f"{name}.safetensors")) for name in taken]
    for given_paths in permutations(paths):
        assert chosen_statistics(order, size, list(given_paths)) == expected


@pytest.mark.parametrize("size", [4, 0, -1])
def test_more_languages_than_the_order_has_or_none_are_refused(ranked, size):
    order, paths = ranked
    with pytest.raises(InputError) as error:
        chosen_statistics(order, size, paths)
    assert str(error.value) == f"{order}: orders 3 languages, found --take {size}"


def test_an_order_of_other_statistics_is_refused(ranked):
    order, paths = ranked
    write(order.parent, "a", 5)
    assert chosen_statistics(order, 1, paths) == [paths[2]]  # it does not take a
    with pytest.raises(InputError) as error:
        chosen_statistics(order, 2, paths)
    assert str(error.value) == f"{order}: ranked other statistics than {paths[0]}; remove it"


def test_an_order_without_provenance_is_refused(ranked):
    order, paths = ranked
    write_json(order, {"languages": ["c", "a", "b"]})
    with pytest.raises(
        InputError, match=r"order\.json: ranked other statistics than .*; remove it"
    ):
        chosen_statistics(order, 1, paths)


def test_a_language_without_its_file_is_refused(ranked):
    order, paths = ranked
    with pytest.raises(InputError) as error:
        chosen_statistics(order, 1, paths[:2])
    assert str(error.value) == f"{order}: takes c, which is not among --statistics"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "null",
        "{}",
        '{"languages": "abc"}',
        '{"languages": {"a": 1}}',
        '{"languages": ["a", "b", "a"]}',
        '{"languages": ["a"], "multiprune_sha256": "0"}',
    ],
)
def test_a_broken_order_is_set_aside(tmp_path, content):
    order = tmp_path / "order.json"
    order.write_text(content)
    with pytest.raises(
        InputError, match=r"order\.json: is not .*; set aside as order\.json\.corr"
    ) as error:
        read_order(order, 1)
    assert "\n" not in str(error.value)
    assert not order.exists()
    assert (tmp_path / "order.json.corrupt").read_text() == content


def test_a_missing_order_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"order\.json: no such file$"):
        read_order(tmp_path / "order.json", 1)


# The scripts -------------------------------------------------------------------------------------

NAMES = {"de": 0, "en": 40, "fr": 80, "ru": 120, "sw": 160}  # first of 64 tokens
SIZES = {"de": 4, "en": 2, "fr": 3, "ru": 4, "sw": 1}  # windows of 16 tokens


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """Statistics of five languages of the model models/tiny, and their order."""
    folder = tmp_path_factory.mktemp("collected")
    model = fetched(write_llama(folder / "own"))
    for name, first in NAMES.items():
        ids = range(first, first + 16 * SIZES[name])
        windows = write_windows(folder / f"windows/{name}.safetensors", ids)
        output = folder / f"{name}.safetensors"
        assert call("collect_statistics", *collecting(model, windows, output)) == (0, [])
    assert call("rank_languages", *ranking(folder, NAMES, folder / "order.json")) == (0, [])
    return folder


def files(folder: Path, names) -> list[Path]:
    return [folder / f"{name}.safetensors" for name in names]


def ranking(folder: Path, names, output: Path, model: str = "models/tiny") -> list:
    words = ["--model", folder / model, "--statistics", *files(folder, names)]
    return [*words, "--seed", 3, "--output", output]


def test_the_order_is_that_of_the_correlations_over_all_inputs(collected):
    content = read_json(collected / "order.json")
    arrays = [read_tensors(path)[0] for path in files(collected, sorted(NAMES))]
    keys = sorted(key for key in arrays[0] if key.endswith(".sum_sq"))
    assert len(keys) == 8  # four inputs of two blocks
    alike = np.mean([np.corrcoef(np.sqrt([one[key] for one in arrays])) for key in keys], axis=0)
    # Gonzalez' rule, once more and in other words.
    names, order, radii = sorted(NAMES), [], []
    while len(order) < len(names):
        far = {
            name: min(
                (1 - alike[names.index(name), names.index(other)] for other in order), default=0
            )
            for name in names
            if name not in order
        }
        chosen = max(far, key=far.get) if order else names[int(alike.sum(axis=1).argmax())]
        order.append(chosen)
        radii.append(far[chosen])
    assert content["languages"] == order
    assert content["distances"] == pytest.approx(radii)
    assert content["seed"] == 3
    hashes = {path.name: sha256_file(path) for path in files(collected, NAMES)}
    model = checked_fingerprint(collected / "models/tiny")
    assert content["provenance"]["inputs"] == hashes | {"model": model}


def test_the_order_of_the_arguments_changes_no_byte(collected, tmp_path):
    for number, names in enumerate((reversed(NAMES), [*NAMES])):
        output = tmp_path / f"{number}.json"
        assert call("rank_languages", *ranking(collected, names, output)) == (0, [])
        assert output.read_bytes() == (collected / "order.json").read_bytes()


def test_one_language_can_be_ordered(collected, tmp_path):
    assert call("rank_languages", *ranking(collected, ["fr"], tmp_path / "order.json")) == (0, [])
    content = read_json(tmp_path / "order.json")
    assert (content["languages"], content["distances"]) == (["fr"], [0])


def test_statistics_of_another_model_are_not_ordered(collected, tmp_path):
    other = fetched(write_llama(tmp_path / "own", seed=1))
    words = ranking(collected, NAMES, tmp_path / "order.json", str(other))
    assert_refused(tmp_path / "order.json", "rank_languages", words, "another model or revision")


def tensors(mask: Path) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in read_tensors(mask)[0].items()}


@pytest.mark.parametrize("take", [2, 3, 5])
@pytest.mark.parametrize("method", [WANDA, M_WANDA], ids=["wanda", "m-wanda"])
def test_pruning_by_an_order_is_pruning_with_the_languages_that_it_takes(
    collected, tmp_path, method, take
):
    model, order = collected / "models/tiny", collected / "order.json"
    taken = read_json(order)["languages"][:take]
    by_order, listed = tmp_path / "by_order", tmp_path / "listed"
    words = [*pruning(model, by_order, method, *files(collected, NAMES)), "--order", order]
    assert call("prune_model", *words, "--take", take) == (0, [])
    assert call("prune_model", *pruning(model, listed, method, *files(collected, taken))) == (0, [])
    assert len(tensors(by_order)) == 14
    assert tensors(by_order) == tensors(listed)
    assert mask_hash(by_order) == mask_hash(listed)
    # It was made from the order, and so from all that were ordered; it says which it took.
    ordered, plain = (read_tensors(path)[1] for path in (by_order, listed))
    everything = [order, *files(collected, NAMES)]
    inputs, others = json.loads(ordered["inputs"]), json.loads(plain["inputs"])
    assert inputs == others | {path.name: sha256_file(path) for path in everything}
    assert json.loads(ordered["taken"]) == sorted(taken)
    assert "taken" not in plain
    assert ordered["options"] == plain["options"]


def test_other_languages_are_another_mask(collected, tmp_path):
    model, order = collected / "models/tiny", collected / "order.json"
    hashes = set()
    for take in (1, 2, 5):
        output = tmp_path / str(take)
        words = [*pruning(model, output, WANDA, *files(collected, NAMES)), "--order", order]
        assert call("prune_model", *words, "--take", take) == (0, [])
        hashes.add(mask_hash(output))
    assert len(hashes) == 3


def test_an_empty_order_is_none_as_the_rule_passes_it(collected, tmp_path):
    model, paths = collected / "models/tiny", files(collected, NAMES)
    words = pruning(model, tmp_path / "empty", WANDA, *paths)
    assert call("prune_model", *words, "--order", "--take") == (0, [])
    assert call("prune_model", *pruning(model, tmp_path / "plain", WANDA, *paths)) == (0, [])
    assert (tmp_path / "empty").read_bytes() == (tmp_path / "plain").read_bytes()


def test_pruning_refuses_an_order_that_is_too_short_or_of_other_statistics(collected, tmp_path):
    model, order = collected / "models/tiny", collected / "order.json"
    output = tmp_path / "mask"
    words = [*pruning(model, output, WANDA, *files(collected, NAMES)), "--order", order]
    assert_refused(output, "prune_model", [*words, "--take", 6], "orders 5 languages", "--take 6")
    assert_refused(output, "prune_model", words, "--take: is missing, the number of languages")
    few = [*pruning(model, output, WANDA, *files(collected, ["de"])), "--order", order]
    assert "which is not among --statistics" in refusal("prune_model", *few, "--take", 5)
    assert not output.exists()
