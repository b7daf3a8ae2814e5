import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import byte_tokenizer, start_token_tokenizer
from tiny_architectures import ARCHITECTURES, random_model
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM

from multiprune.errors import InputError
from multiprune.evaluation.output_head import check_logits
from multiprune.evaluation.perplexity import (
    bits_per_byte,
    perplexity,
    window_losses,
    windows_of,
)
from multiprune.models.loading import forward

BOS = 0
PLAIN, STARTING = byte_tokenizer(), start_token_tokenizer()
TOKENS = np.random.default_rng(1).integers(2, 258, 45).astype(np.int32)


def plain_losses(model, tokens, length, starts_with_bos):
    """The whole sequence of each window through the model, all logits, one window at a time."""
    losses = []
    for start in range(0, len(tokens), length):
        window = torch.from_numpy(tokens[start : start + length]).long()
        before = BOS if starts_with_bos or start == 0 else int(tokens[start - 1])
        ids = torch.cat([torch.tensor([before]), window])
        with torch.no_grad():
            scores = model(input_ids=ids[None], use_cache=False).logits[0]
        losses.append(float(cross_entropy(scores[:-1].double(), window, reduction="sum")))
    return losses


@pytest.mark.parametrize(("tokenizer", "starts"), [(PLAIN, False), (STARTING, True)])
@pytest.mark.parametrize(
    ("length", "batch_tokens"), [(16, 16), (16, 48), (7, 1000), (45, 1), (64, 1)]
)
def test_losses_equal_a_plain_computation(model, tokenizer, starts, length, batch_tokens):
    windows = windows_of(TOKENS, length, tokenizer)
    found = window_losses(model, windows, batch_tokens)
    expected = plain_losses(model, TOKENS, length, starts)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    counts = [len(window.targets) for window in windows]
    assert perplexity(found, counts) == pytest.approx(math.exp(sum(expected) / 45), rel=1e-5)


def small_gpu(most: int):
    """`forward` on a GPU that has memory for so many windows at a time."""

    def passed(model, inputs):
        if len(inputs) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(model, inputs)

    return passed


def test_losses_stay_where_the_memory_of_a_gpu_is_short(model, monkeypatch):
    windows = windows_of(TOKENS, 4, PLAIN)
    expected = window_losses(model, windows, batch_tokens=100)
    monkeypatch.setattr("multiprune.evaluation.perplexity.forward", small_gpu(2))
    found = window_losses(model, windows, batch_tokens=100)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    monkeypatch.setattr("multiprune.evaluation.perplexity.forward", small_gpu(0))
    with pytest.raises(torch.OutOfMemoryError):
        window_losses(model, windows, batch_tokens=100)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.booleans())
def test_every_token_is_scored_once_after_its_predecessor(size, length, starts_with_bos):
    tokens = np.arange(2, size + 2, dtype=np.int32)
    windows = windows_of(tokens, length, STARTING if starts_with_bos else PLAIN)
    assert np.concatenate([window.targets for window in windows]).tolist() == tokens.tolist()
    for number, window in enumerate(windows):
        assert len(window.inputs) == len(window.targets) <= length
        assert window.inputs[1:].tolist() == window.targets[:-1].tolist()
        first = BOS if starts_with_bos or number == 0 else window.targets[0] - 1
        assert window.inputs[0] == first


def test_windows_by_hand():
    tokens = np.array([10, 11, 12, 13, 14], dtype=np.int32)
    plain = [(w.inputs.tolist(), w.targets.tolist()) for w in windows_of(tokens, 2, PLAIN)]
    assert plain == [([0, 10], [10, 11]), ([11, 12], [12, 13]), ([13], [14])]
    starting = [(w.inputs.tolist(), w.targets.tolist()) for w in windows_of(tokens, 2, STARTING)]
    assert starting == [([0, 10], [10, 11]), ([0, 12], [12, 13]), ([0], [14])]


def test_without_a_start_token_the_end_token_begins_the_text():
    tokenizer = byte_tokenizer()
    tokenizer.bos_token = None
    [window] = windows_of(np.array([5, 6]), 4, tokenizer)
    assert window.inputs.tolist() == [tokenizer.eos_token_id, 5]


def test_a_tokenizer_with_neither_token_is_refused():
    tokenizer = byte_tokenizer()
    tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(InputError, match="neither a start nor an end token"):
        windows_of(np.array([5, 6]), 4, tokenizer)


def test_perplexity_by_hand():
    # 3 tokens of probability 1/2, 1 of 1/4: the geometric mean of 2, 2, 2, 4 is 2^(5/4).
    assert perplexity([3 * math.log(2), math.log(4)], [3, 1]) == pytest.approx(2**1.25)


def test_bits_per_byte_by_hand():
    assert bits_per_byte([3 * math.log(2), math.log(4)], 10) == pytest.approx(0.5)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_logits_are_those_of_every_architecture(name):
    model = random_model(name)
    tokens = np.arange(3, 23, dtype=np.int32)
    windows = windows_of(tokens, 8, PLAIN)
    check_logits(model)
    found = window_losses(model, windows, 16)
    np.testing.assert_allclose(found, plain_losses(model, tokens, 8, False), rtol=1e-4)


@pytest.mark.parametrize("batch_tokens", [16, 32, 64])
def test_low_precision_models_are_scored_in_full_precision(model, batch_tokens):
    halved = LlamaForCausalLM(model.config).to(torch.bfloat16).eval()
    halved.load_state_dict(model.state_dict())
    windows = windows_of(TOKENS, 16, PLAIN)
    found = window_losses(halved, windows, batch_tokens)
    np.testing.assert_allclose(found, plain_losses(halved, TOKENS, 16, False), rtol=5e-3)
