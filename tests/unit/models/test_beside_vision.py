"""The text model beside a vision tower gives the numbers that it gives alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer
from tiny_architectures import ARCHITECTURES, write_model

from multiprune.errors import InputError
from multiprune.files.manifests import write_manifest
from multiprune.models.checkpoints import check_checkpoint
from multiprune.models.loading import load_model
from multiprune.models.weights import ModelWeights
from unit.models.test_architectures import (
    Experiment,
    collect_statistics,
    evaluate,
    kept,
    prune,
    write,
)

# What the text model is called alone, and a class that has the same layers.
ALONE = {
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "mistral3": "ministral3",
    "qwen2_5_vl": "qwen2",
    "qwen3_vl": "qwen3",
}


def write_alone(name: str, whole: Path, folder: Path) -> None:
    """The text model of a folder as a model of its own, with the names that such a model has."""
    tiny = ARCHITECTURES[name]
    outside = json.loads((whole / "config.json").read_text())
    config = outside["text_config"] | {"tie_word_embeddings": outside["tie_word_embeddings"]}
    del config["model_type"]
    if name.startswith("qwen"):  # three equal positions are one
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0}
        config |= {"use_sliding_window": False, "layer_types": ["full_attention"] * 2}
    auto = transformers.AutoConfig.for_model(ALONE[name], **config)
    model = transformers.AutoModelForCausalLM.from_config(auto)
    outer = (tiny.stored or tiny.blocks).removesuffix("layers")
    stored = {
        stored_name.replace(outer, "model.").replace("language_model.lm_head", "lm_head"): tensor
        for stored_name, tensor in load_file(whole / "model.safetensors").items()
        if stored_name.startswith(outer) or "lm_head" in stored_name
    }
    missing, unexpected = model.load_state_dict(stored, strict=False)
    assert not unexpected
    assert set(missing) <= {"lm_head.weight"}  # tied
    model.tie_weights()
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    write_manifest(folder, {"kind": "local"})


@pytest.fixture(scope="module", params=ALONE)
def both(request, tmp_path_factory) -> tuple[Experiment, Experiment]:
    """A model with its vision tower, and its text model alone, through the same scripts."""
    folder = tmp_path_factory.mktemp(request.param)
    whole, alone = (Experiment(request.param, "", folder / n) for n in ("whole", "alone"))
    write(whole)
    write(alone)
    for path in alone.model.iterdir():
        path.unlink()
    write_alone(request.param, whole.model, alone.model)
    for made in (whole, alone):
        for language in ("de", "en", "sw"):
            collect_statistics(made, language)
        prune(made, "m-wanda")
        for method in ("dense", "m-wanda"):
            evaluate(made, method)
    return whole, alone


def test_masks_are_the_same_bits(both):
    whole, alone = (kept(made, "m-wanda") for made in both)
    blocks = f"{ARCHITECTURES[both[0].name].blocks}."
    assert {name.replace(blocks, "model.layers.") for name in whole} == set(alone)
    for name, keep in whole.items():
        np.testing.assert_array_equal(keep, alone[name.replace(blocks, "model.layers.")])


@pytest.mark.parametrize("method", ["dense", "m-wanda"])
def test_perplexity_is_the_same(both, method):
    whole, alone = (made.record(method)["window_nll"] for made in both)
    np.testing.assert_allclose(whole, alone, rtol=1e-6)


def test_what_the_tower_holds_is_no_part_of_the_mask(both):
    whole, _ = both
    tower = [name for name in load_file(whole.model / "model.safetensors") if "vis" in name]
    assert any(".layers.0." in name or ".blocks.0." in name for name in tower)
    assert not [name for name in kept(whole, "m-wanda") if "vis" in name]


def test_a_tower_that_is_missing_is_refused(both, tmp_path):
    whole, _ = both
    for path in whole.model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    stored = load_file(tmp_path / "model.safetensors")
    rest = {name: tensor for name, tensor in stored.items() if "vis" not in name}
    save_file(rest, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"has no weights for model\.\w*vis.*would be random"):
        load_model(tmp_path)


def older_names(folder: Path) -> None:
    """Vision towers had one more level, in the files of Gemma 3 on the hub."""
    stored = load_file(folder / "model.safetensors")
    renamed = {
        n.replace("vision_tower.", "vision_tower.vision_model."): t for n, t in stored.items()
    }
    assert renamed.keys() != stored.keys()
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})


def flat_config(folder: Path) -> None:
    """The text model's entries stood beside `vision_config`, in Qwen 2.5 VL on the hub."""
    config = json.loads((folder / "config.json").read_text())
    text = config.pop("text_config")
    rope = text.pop("rope_parameters")
    text |= {"rope_theta": rope["rope_theta"], "model_type": "qwen2_5_vl"}
    text["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    (folder / "config.json").write_text(json.dumps(text | config))


@pytest.mark.parametrize(
    ("name", "publish"), [("gemma3", older_names), ("qwen2_5_vl", flat_config)]
)
def test_folders_as_the_hub_has_them(name, publish, tmp_path):
    folder = write_model(name, tmp_path)
    ids = torch.arange(20)[None]
    expected = load_model(folder)(input_ids=ids).logits
    weights = ModelWeights(folder).linear
    publish(folder)
    assert torch.allclose(load_model(folder)(input_ids=ids).logits, expected, atol=1e-6)
    assert ModelWeights(folder).linear == weights
    check_checkpoint(folder, "it")
