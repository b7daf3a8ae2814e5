"""Sequential propagation against the published procedure, and its resuming after a kill."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import write_bloom, write_llama
from tiny_architectures import ARCHITECTURES, linear_modules, load_plainly, write_model

import prune_model
import prune_sequentially
from multiprune.calibration.windows import Windows
from multiprune.errors import InputError
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import checked_fingerprint
from multiprune.files.tensors import read_tensors
from multiprune.models.architectures import architecture_of
from multiprune.models.loading import load_model
from multiprune.pruning.files import mask_hash, read_mask
from multiprune.pruning.masks import unpack
from multiprune.pruning.sequential.passes import BlockPasses
from multiprune.pruning.sequential.pruners import MaskPruner
from unit.pruning.data import CROSS
from unit.pruning.sequential.data import (
    KILLED,
    METHODS,
    SETS,
    WANDA,
    arguments,
    calibration_files,
    overflow,
    prune,
    run,
    samples_of,
    with_windows,
)
from unit.pruning.sequential.reference_procedure import prune_by_the_book

# What the published procedure has: scores, and no groups or exchanges.
SCORED = [
    name
    for name, method in METHODS.items()
    if "norm" in method and not {"pattern", "refine"} & method.keys()
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    write_model("llama", folder / "model")
    return with_windows(folder)


@pytest.fixture(scope="module")
def bloom(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bloom")
    write_model("bloom", folder / "model")
    return with_windows(folder)


def kept(path: Path) -> dict[str, np.ndarray]:
    return {name: unpack(packed, shape) == 1 for name, packed, shape in read_mask(path)}


def by_the_book(folder: Path, architecture: str, method: dict, sparsity: float):
    model = load_plainly(architecture, folder / "model", torch.float64)
    contrast = method["norm"]["kind"] == "contrast"
    torch.set_default_dtype(torch.float64)  # XGLM makes numbers of it in every forward pass
    try:
        expected = prune_by_the_book(
            model,
            linear_modules(architecture, model),
            {name: samples_of(folder, name) for name in SETS if name != "code"},
            method,
            sparsity,
            samples_of(folder, "code") if contrast else None,
        )
    finally:
        torch.set_default_dtype(torch.float32)
    return {f"{name}.weight": keep.numpy() for name, keep in expected.items()}


@pytest.mark.parametrize("name", SCORED)
@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_equals_the_published_procedure(request, monkeypatch, tmp_path, architecture, name):
    folder = request.getfixturevalue(architecture)
    found = kept(prune(monkeypatch, folder, tmp_path / "mask", name, 0.6))
    expected = by_the_book(folder, architecture, METHODS[name], 0.6)
    assert found.keys() == expected.keys()
    for parameter, keep in expected.items():
        np.testing.assert_array_equal(found[parameter], keep, err_msg=parameter)


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"llama", "bloom"}))
def test_every_architecture_equals_the_published_procedure(monkeypatch, tmp_path, architecture):
    write_model(architecture, tmp_path / "model")
    found = kept(prune(monkeypatch, with_windows(tmp_path), tmp_path / "mask", "wanda"))
    expected = by_the_book(tmp_path, architecture, WANDA, 0.5)
    assert found.keys() == expected.keys()
    for parameter, keep in expected.items():
        np.testing.assert_array_equal(found[parameter], keep, err_msg=parameter)


def prune_densely(monkeypatch, folder: Path, output: Path, name: str) -> Path:
    monkeypatch.setattr(
        "sys.argv",
        ["prune_model.py", "--model", str(folder / "model"), "--name", name,
         "--statistics", *calibration_files(folder, "statistics"),
         "--method", json.dumps(METHODS[name]), "--sparsity", "0.5", "--threads", "1",
         "--output", str(output)],
    )  # fmt: skip
    prune_model.main()
    return output


@pytest.mark.parametrize("name", ["wanda", "ria", "m-wanda", "m-wanda-tau", "wanda-2-4"])
@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_only_the_first_block_equals_that_of_dense_statistics(
    request, monkeypatch, tmp_path, architecture, name
):
    folder = request.getfixturevalue(architecture)
    sequential = kept(prune(monkeypatch, folder, tmp_path / "mask", name))
    dense = kept(prune_densely(monkeypatch, folder, tmp_path / "dense", name))
    assert sequential.keys() == dense.keys()
    first = [parameter for parameter in dense if ".0." in parameter]
    assert 0 < len(first) < len(dense)
    for parameter in first:
        np.testing.assert_array_equal(sequential[parameter], dense[parameter], err_msg=parameter)
    assert any((sequential[other] != dense[other]).any() for other in dense.keys() - set(first))


def test_a_pattern_is_kept_in_every_group(llama, monkeypatch, tmp_path):
    for keep in kept(prune(monkeypatch, llama, tmp_path / "mask", "wanda-2-4")).values():
        assert (keep.reshape(len(keep), -1, 4).sum(axis=2) == 2).all()


def test_batches_only_change_what_is_nearly_tied(bloom, monkeypatch, tmp_path):
    one = kept(prune(monkeypatch, bloom, tmp_path / "one", "m-wanda", batch_tokens=["1"]))
    all_at_once = kept(prune(monkeypatch, bloom, tmp_path / "all", "m-wanda", batch_tokens=["999"]))
    different = sum(int((one[name] != all_at_once[name]).sum()) for name in one)
    assert different <= 1e-3 * sum(keep.size for keep in one.values())


@pytest.mark.parametrize(
    ("spare", "on_device"), [(0, [True, True, False]), (-1, [True, False, True])]
)
def test_activations_stay_in_host_memory_once_the_budget_is_spent(llama, spare, on_device):
    """The device `meta` stands for a GPU: nothing is computed on it."""
    architecture, device = architecture_of(llama / "model"), torch.device("meta")
    windows = read_tensors(llama / "windows/de.safetensors")[0]["input_ids"]  # 5 of 12 tokens
    # Two windows: hidden size 32, cosine and sine of 8 channels, positions of 8 bytes.
    size = 4 * (2 * 12 * 32 + 2 * 12 * 8) + 8 * 12
    passes = BlockPasses(load_model(llama / "model"), architecture, device, 2 * size + spare)
    passes.enter("de", Windows.full(windows), batch_tokens=24)
    assert [batch.hidden.is_meta for batch in passes.sets["de"]] == on_device
    for batch in passes.sets["de"]:
        (cosine, sine), second = (call.keywords["position_embeddings"] for call in batch.calls)
        assert cosine.is_meta == sine.is_meta == batch.hidden.is_meta
        assert second[0] is cosine  # what blocks share is held once
        assert second[1] is sine


def test_metadata_is_that_of_a_mask_plus_the_propagation(llama, monkeypatch, tmp_path):
    metadata = read_tensors(prune(monkeypatch, llama, tmp_path / "mask", "owl"))[1]
    dense = read_tensors(prune_densely(monkeypatch, llama, tmp_path / "dense", "owl"))[1]
    own = {"propagation", "activation_threshold", "dtype", "batch_tokens", "device"}
    assert metadata.keys() == dense.keys() | own
    assert metadata["propagation"] == "sequential"
    same = ("method", "options", "requested_sparsity", "achieved_sparsity", "blocks", "shapes")
    assert [metadata[key] for key in same] == [dense[key] for key in same]
    windows = {
        f"{kind}/{name}.safetensors": sha256_file(llama / kind / f"{name}.safetensors")
        for kind in ("windows", "statistics")
        for name in SETS
        if name != "code"
    }
    model = {"model": checked_fingerprint(llama / "model")}
    assert json.loads(metadata["inputs"]) == windows | model


def test_activity_is_counted_at_the_method_s_threshold_alone(llama, monkeypatch, tmp_path):
    tau = prune(monkeypatch, llama, tmp_path / "tau", "m-wanda-tau")
    other = prune(monkeypatch, llama, tmp_path / "x", "m-wanda-tau", activation_threshold=["3.0"])
    own = json.dumps({**METHODS["m-wanda-tau"], "norm": CROSS})
    plain = prune(monkeypatch, llama, tmp_path / "plain", "m-wanda-tau", method=[own])
    assert [read_tensors(path)[1]["activation_threshold"] for path in (tau, plain)] == [
        "0.5",
        "1.0",
    ]
    assert other.read_bytes() == tau.read_bytes()
    assert mask_hash(str(plain)) != mask_hash(str(tau))


# Killed and started again.


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """A Llama of five blocks."""
    folder = tmp_path_factory.mktemp("deep")
    write_llama(folder / "model", num_hidden_layers=5)
    return with_windows(folder)


@pytest.mark.slow
@pytest.mark.parametrize("before", ["", "replace(source, target); "], ids=["unwritten", "written"])
def test_after_a_kill_the_same_command_finishes_with_the_same_mask(
    deep, monkeypatch, tmp_path, capsys, before
):
    undisturbed = prune(monkeypatch, deep, tmp_path / "undisturbed", "m-wanda")
    output, progress = tmp_path / "mask", tmp_path / "mask.progress"
    words = arguments(deep, output, "m-wanda")
    assert run(words, KILLED.format(before=before)).returncode == -signal.SIGKILL
    finished = [progress / f"block-{number:05}.safetensors" for number in range(3 if before else 2)]
    leftover = [] if before else list(progress.glob(".block-00002.safetensors.*.tmp"))
    assert bool(before) != bool(leftover)
    assert set(progress.iterdir()) == {*finished, *leftover}
    assert not output.exists()
    if before:
        again = run(words)
        assert again.returncode == 0, again.stderr
        lines = again.stdout.splitlines()[:5]
    else:  # in this process, which saves the seconds of a start
        capsys.readouterr()
        prune(monkeypatch, deep, output, "m-wanda")
        lines = capsys.readouterr().out.splitlines()[:5]
    assert [line.endswith("by an earlier job") for line in lines] == [
        number < len(finished) for number in range(5)
    ]
    assert mask_hash(str(output)) == mask_hash(str(undisturbed))
    assert output.read_bytes() == undisturbed.read_bytes()
    assert not progress.exists()


def disk_is_full(*_arguments) -> None:
    raise OSError(28, "No space left on device")


def test_progress_of_other_options_does_not_count(deep, monkeypatch, tmp_path, capsys):
    undisturbed = prune(monkeypatch, deep, tmp_path / "undisturbed", "wanda", 0.4)
    output, progress = tmp_path / "mask", tmp_path / "mask.progress"
    with monkeypatch.context() as full:
        full.setattr(MaskPruner, "join", disk_is_full)
        with pytest.raises(OSError, match="No space"):
            prune(monkeypatch, deep, output, "wanda", 0.6)
    assert len(list(progress.iterdir())) == 5
    capsys.readouterr()
    prune(monkeypatch, deep, output, "wanda", 0.4)
    assert "earlier" not in capsys.readouterr().out
    assert output.read_bytes() == undisturbed.read_bytes()
    assert not progress.exists()


def test_with_every_block_finished_no_model_is_loaded(deep, monkeypatch, tmp_path):
    undisturbed = prune(monkeypatch, deep, tmp_path / "undisturbed", "wanda")
    with monkeypatch.context() as full:
        full.setattr(prune_sequentially.Progress, "remove", lambda _self: None)
        prune(monkeypatch, deep, tmp_path / "mask", "wanda")
    monkeypatch.setattr(prune_sequentially, "load_model", None)
    prune(monkeypatch, deep, tmp_path / "mask", "wanda")
    assert (tmp_path / "mask").read_bytes() == undisturbed.read_bytes()
    assert not (tmp_path / "mask.progress").exists()


# Mistakes are one line.


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("owl", {"statistics": []}, r"^allocation owl: is decided on the dense model, needs --sta"),
        ("contrast", {"contrast_windows": []}, r"^--contrast-windows: goes with the norm contrast"),
        ("m-wanda", {"method": ['{"score": "magnitude"}']}, r"^method m-wanda: .* magnitude reads"),
    ],
)
def test_mistakes_are_one_line(llama, monkeypatch, tmp_path, name, changes, message):
    with pytest.raises(InputError, match=message):
        prune(monkeypatch, llama, tmp_path / "mask", name, **changes)
    assert not list(tmp_path.iterdir())


def test_statistics_are_for_an_allocation_that_reads_them(llama, monkeypatch, tmp_path):
    statistics = calibration_files(llama, "statistics")
    with pytest.raises(InputError, match=r"^--statistics: allocation uniform reads none"):
        prune(monkeypatch, llama, tmp_path / "mask", "wanda", statistics=statistics)
    with pytest.raises(InputError, match=r"^--statistics: must be of the same sets as --windows$"):
        prune(monkeypatch, llama, tmp_path / "mask", "owl", statistics=statistics[:2])


def test_activations_that_are_not_finite_are_one_line(tmp_path, monkeypatch):
    overflow(with_windows(write_bloom(tmp_path / "model").parent) / "model")
    with pytest.raises(InputError, match=r"^de: its activations at .*query_key_value are not fini"):
        prune(monkeypatch, tmp_path, tmp_path / "mask", "wanda")
