"""Masks refined by swaps, block by block: their layer errors by an own pass, and resuming."""

import signal

import pytest
import torch
from tiny import write_llama
from tiny_architectures import linear_modules, load_plainly, write_model

from multiprune.pruning.files import read_mask
from multiprune.pruning.masks import unpack
from unit.pruning.sequential.data import (
    KILLED,
    SETS,
    arguments,
    prune,
    run,
    samples_of,
    with_windows,
)

POOLED = [name for name in SETS if name != "code"]
REFINED = {
    "swaps": "wanda",
    "swaps-2-4": "wanda-2-4",
    "swaps-worst": "wanda",
    "swaps-contrast": "contrast",
}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    write_model("llama", folder / "model")
    return with_windows(folder)


def kept(path) -> dict[str, torch.Tensor]:
    return {
        name.removesuffix(".weight"): torch.from_numpy(unpack(packed, shape)).bool()
        for name, packed, shape in read_mask(path)
    }


@torch.no_grad()
def layer_errors(folder, architecture, masks) -> dict[str, dict[str, float]]:
    """Of every module and set: squared change of its output, on inputs behind pruned blocks.

    One sample at a time through a whole model in double precision, whose modules all have the mask
    but for the one that is looked at: nothing of the library is used.
    """
    model = load_plainly(architecture, folder / "model", torch.float64)
    modules = linear_modules(architecture, model)
    dense = {module: modules[module].weight.data.clone() for module in masks}
    found = {}
    for module in masks:
        block = module.split(".layers.")[-1].split(".h.")[-1].split(".")[0]
        for other, keep in masks.items():
            earlier = other.split(".layers.")[-1].split(".h.")[-1].split(".")[0] < block
            weight = dense[other]
            modules[other].weight.data = weight * keep if earlier else weight
        change = dense[module] * ~masks[module]
        change = change if isinstance(modules[module], torch.nn.Linear) else change.T
        errors = {}

        def hook(_module, inputs, change=change, errors=errors):
            tokens = inputs[0].reshape(-1, inputs[0].shape[-1]).double()
            errors["now"] = errors.get("now", 0) + float(((tokens @ change.T) ** 2).sum())

        handle = modules[module].register_forward_pre_hook(hook)
        found[module] = {}
        for one in POOLED:
            errors.clear()
            for sample in samples_of(folder, one):
                model(sample[None], use_cache=False)
            found[module][one] = errors["now"]
        handle.remove()
    return found


@pytest.mark.parametrize("name", REFINED)
def test_the_error_of_every_module_falls_in_the_first_block(llama, monkeypatch, tmp_path, name):
    """Where both masks see the same inputs; the number of weights kept in a row stays."""
    start = kept(prune(monkeypatch, llama, tmp_path / "start", REFINED[name]))
    found = kept(prune(monkeypatch, llama, tmp_path / "refined", name))
    assert found.keys() == start.keys()
    for module in start:
        assert torch.equal(found[module].sum(1), start[module].sum(1))
        if name.endswith("2-4"):
            assert (found[module].unflatten(1, (-1, 4)).sum(2) == 2).all()
    first = [module for module in start if ".0." in module]
    before, after = (
        layer_errors(llama, "llama", {m: masks[m] for m in first}) for masks in (start, found)
    )
    for module in first:
        if name == "swaps-worst":
            worst = max(after[module][one] / before[module][one] for one in POOLED)
            assert worst < 1
        else:
            assert sum(after[module].values()) < sum(before[module].values())


def test_later_blocks_are_refined_on_what_the_pruned_ones_hand_on(llama, monkeypatch, tmp_path):
    """Behind the refined first block every error of the second is lower than with Wanda's mask."""
    found = kept(prune(monkeypatch, llama, tmp_path / "refined", "swaps"))
    errors = layer_errors(llama, "llama", found)
    start = kept(prune(monkeypatch, llama, tmp_path / "start", "wanda"))
    mixed = found | {module: start[module] for module in start if ".1." in module}
    before = layer_errors(llama, "llama", mixed)
    second = [module for module in found if ".1." in module]
    lower = [sum(errors[m].values()) < sum(before[m].values()) for m in second]
    assert second
    assert all(lower)


def test_matrices_that_are_stored_transposed(monkeypatch, tmp_path):
    write_model("gpt2", tmp_path / "model")
    folder = with_windows(tmp_path)
    start = kept(prune(monkeypatch, folder, tmp_path / "start", "wanda"))
    found = kept(prune(monkeypatch, folder, tmp_path / "refined", "swaps"))
    first = [module for module in start if ".h.0." in module or module.startswith("h.0.")]
    before, after = (
        layer_errors(folder, "gpt2", {m: masks[m] for m in first}) for masks in (start, found)
    )
    for module in first:
        assert torch.equal(found[module].sum(0), start[module].sum(0))
        assert sum(after[module].values()) < sum(before[module].values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["swaps", "swaps-soft"])
def test_a_killed_job_goes_on_and_writes_the_same(monkeypatch, tmp_path, capsys, name):
    write_llama(tmp_path / "model", num_hidden_layers=4)
    folder = with_windows(tmp_path)
    words = arguments(folder, tmp_path / "killed", name)
    assert run(words, KILLED.format(before="")).returncode == -signal.SIGKILL
    found = prune(monkeypatch, folder, tmp_path / "killed", name)
    assert capsys.readouterr().out.count("by an earlier job") == 2
    whole = prune(monkeypatch, folder, tmp_path / "whole", name)
    assert found.read_bytes() == whole.read_bytes()
