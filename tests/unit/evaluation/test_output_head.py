"""The output head against the models' own logits, on every scale and in every precision."""

import pytest
import torch
from command_lines import evaluating, fetched, write_text
from script_calls import call, refusal
from tiny import byte_tokenizer
from transformers import LlamaForCausalLM

from multiprune.errors import InputError
from multiprune.evaluation import output_head
from multiprune.evaluation.output_head import check_logits, logits, token_scores
from multiprune.files.manifests import write_manifest

PLAIN = byte_tokenizer()


@pytest.mark.parametrize("rows", [1, 7, 16, 1000])
def test_pieces_of_logits_change_nothing(model, monkeypatch, rows):
    draw = torch.Generator().manual_seed(0)
    hidden, targets = torch.randn(40, 32, generator=draw), torch.randint(258, (40,), generator=draw)
    with torch.no_grad():
        scores = model.lm_head(hidden)
    targets[:3] = scores[:3].argmax(dim=1)
    monkeypatch.setattr(output_head, "LOGIT_ROWS", rows)
    likelihoods, likeliest = token_scores(model, hidden, targets)
    expected = scores.log_softmax(dim=1)[torch.arange(40), targets]
    torch.testing.assert_close(likelihoods, expected, rtol=1e-5, atol=1e-5)
    assert likeliest.tolist() == (scores.argmax(dim=1) == targets).tolist()
    assert likeliest[:3].all()


def test_logits_are_scaled_and_capped_as_the_config_says(model, monkeypatch):
    hidden = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    plain = model.lm_head(hidden)
    monkeypatch.setattr(model.config, "logit_scale", 0.25, raising=False)
    torch.testing.assert_close(logits(model, hidden), plain / 4)
    monkeypatch.setattr(model.config, "final_logit_softcapping", 2.0, raising=False)
    torch.testing.assert_close(logits(model, hidden), 2 * torch.tanh(plain / 8))


def test_logits_are_divided_as_the_config_says(model, monkeypatch):
    hidden = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(model.config, "logits_scaling", 8.0, raising=False)
    torch.testing.assert_close(logits(model, hidden), model.lm_head(hidden) / 8)


def overflowing(model):
    """The same with numbers that float16 cannot hold, and other precisions can."""
    large = LlamaForCausalLM(model.config).eval()
    with torch.no_grad():
        for name, parameter in large.named_parameters():
            factors = {"norm": 200, "up_proj": 5, "gate_proj": 5, "lm_head": 0.001}
            factor = next((f for part, f in factors.items() if part in name), 1)
            parameter.copy_(model.get_parameter(name) * factor)
    return large


OVERFLOWS = "not finite in float16; set dtype: bfloat16 or float32 in models.NAME, or --dtype"


def test_overflow_is_called_overflow(model):
    check_logits(overflowing(model))
    check_logits(overflowing(model).bfloat16())
    with pytest.raises(InputError) as error:
        check_logits(overflowing(model).half())
    assert str(error.value) == f"LlamaForCausalLM: its logits are {OVERFLOWS}"
    # Not finite in any precision: another one is no cure.
    infinite = overflowing(model)
    infinite.model.norm.weight.data[0] = torch.inf
    with pytest.raises(InputError) as error:
        check_logits(infinite)
    assert str(error.value) == (
        "LlamaForCausalLM: its logits are not finite in float32; take an undamaged copy of the "
        "model, or prune less"
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "auto"])
def test_scripts_end_with_overflow_in_one_line(model, dtype, tmp_path):
    overflowing(model).save_pretrained(tmp_path / "own")
    PLAIN.save_pretrained(tmp_path / "own")
    folder, text = fetched(tmp_path / "own"), write_text(tmp_path / "own/en")
    given = text.rename(text.with_name("test.jsonl"))
    write_manifest(given.parent, {"kind": "text"})
    words = evaluating(folder, "", tmp_path / "records")
    words[words.index("--mask") + 1 : words.index("--method")] = []
    words[words.index("--dtype") + 1] = dtype
    words[words.index("--corpora") + 1] = tmp_path
    verifying = ["--model", folder, "--text", f"en={given}", "--length", 16, "--threads", 1]
    verifying += ["--dtype", dtype, "--output", tmp_path / "verified.csv"]
    for script, arguments in (("evaluate_perplexity", words), ("verify_model", verifying)):
        if dtype == "float16":
            line = refusal(script, *arguments)
            assert line == f"error: LlamaForCausalLM: its logits are {OVERFLOWS}"
        else:
            assert call(script, *arguments)[0] == 0


def test_logits_changed_behind_our_back_are_refused(model, monkeypatch):
    check_logits(model)
    original = model.forward

    def scaled(*arguments, **options):
        output = original(*arguments, **options)
        output.logits = output.logits * 0.5
        return output

    monkeypatch.setattr(model, "forward", scaled)
    with pytest.raises(InputError, match=r"^LlamaForCausalLM changes its logits in a way"):
        check_logits(model)
