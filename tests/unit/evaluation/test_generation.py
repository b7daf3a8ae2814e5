"""Greedy generation, and the job that writes examples: the likeliest token, and nothing else."""

import json

import pytest
import torch
from command_lines import fetched
from script_calls import call, refusal
from tiny import byte_tokenizer, learn, write_llama
from tiny_architectures import ARCHITECTURES, random_model
from transformers import AutoModelForCausalLM, GenerationConfig

from multiprune.errors import InputError
from multiprune.evaluation.generation import continued, continued_to, prompt_ids, text_of
from multiprune.files.json import read_json

TEXT = "all human beings"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that knows one text by heart."""
    made = write_llama(tmp_path_factory.mktemp("generation") / "model")
    learn(made, [TEXT])
    return fetched(made)


def test_a_model_goes_on_as_it_has_learnt(folder):
    tokenizer, model = byte_tokenizer(), AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = prompt_ids("all hum", tokenizer)
    written = continued(model, ids, 9, None)
    assert text_of(ids, written, tokenizer) == "an beings"
    assert continued(model, ids, 3, None) == written[:3]
    assert continued(model, ids, 9, written[4]) == written[:4]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_token_follows_from_all_before_it(architecture):
    model, ids = random_model(architecture), [5, 40, 7, 99, 12]
    written = continued(model, ids, 6, None)
    whole = torch.tensor([ids + written])
    with torch.no_grad():
        scores = model(input_ids=whole, use_cache=False).logits[0]
    assert written == scores[len(ids) - 1 : -1].argmax(dim=1).tolist()


def test_the_models_own_settings_decide_nothing(folder):
    tokenizer, model = byte_tokenizer(), AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = prompt_ids("all", tokenizer)
    before = continued(model, ids, 5, None)
    model.generation_config = GenerationConfig(do_sample=True, temperature=9.0, max_new_tokens=1)
    torch.manual_seed(1)
    assert continued(model, ids, 5, None) == before


def generating(folder, tmp_path, prompts: dict, **changed) -> list:
    """Arguments of the job for the dense model."""
    options = {"tokens": 6, **changed}
    return [
        *("--model", folder, "--dtype", "auto", "--mask", "--seed", 0, "--method", "dense"),
        *("--sparsity", 0, "--threads", 1, "--prompts", json.dumps(prompts)),
        *("--tokens", options["tokens"], "--cache", tmp_path / "cache"),
        *("--output", tmp_path / "0.json"),
    ]


def test_a_job_writes_the_same_twice_and_computes_only_what_is_new(folder, tmp_path, monkeypatch):
    assert call("generate_examples", *generating(folder, tmp_path, {"en": "all"}))[0] == 0
    first = (tmp_path / "0.json").read_bytes()
    record = read_json(tmp_path / "0.json")
    assert record["examples"]["en"]["continuation"] == " human"
    assert record["method"] == "dense"
    calls = []
    monkeypatch.setattr(
        "generate_examples.continued", lambda *given: calls.append(given) or [37, 38]
    )
    assert call("generate_examples", *generating(folder, tmp_path, {"en": "all"}))[0] == 0
    assert (tmp_path / "0.json").read_bytes() == first
    assert not calls
    two = generating(folder, tmp_path, {"en": "all", "sw": "watu"})
    assert call("generate_examples", *two)[0] == 0
    assert len(calls) == 1
    assert set(read_json(tmp_path / "0.json")["examples"]) == {"en", "sw"}


def test_what_is_longer_than_the_model_is_refused(folder, tmp_path):
    line = refusal("generate_examples", *generating(folder, tmp_path, {"en": "all"}, tokens=999))
    assert "windows of 1002 tokens are longer than the 256 positions" in line


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_prompts_that_pass_together_are_continued_as_each_alone(architecture):
    """Padded on the left under a mask, with what was read before in keys and values."""
    model, tokenizer = random_model(architecture), byte_tokenizer()
    prompts = [[5, 40, 7, 99, 12], [33], [8, 9], [70, 71, 72, 73, 74, 75, 76, 77]]
    together = continued_to("\n", model, prompts, 6, tokenizer)
    alone = [continued_to("\n", model, [prompt], 6, tokenizer)[0] for prompt in prompts]
    assert together == alone
    for prompt, text in zip(prompts, together, strict=True):
        written = continued(model, prompt, 6, tokenizer.eos_token_id)
        assert text == text_of(prompt, written, tokenizer).partition("\n")[0].strip()


def test_a_broken_model_says_so(folder):
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        model.lm_head.weight[3] = torch.nan
    with pytest.raises(InputError, match="its logits are not finite in float32"):
        continued_to("\n", model, [[5, 6], [7]], 3, byte_tokenizer())
