"""Perplexity of a causal language model on a text: every token scored once, window by window."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from multiprune.errors import InputError
from multiprune.models.loading import forward, not_finite
from multiprune.models.tokenization import first_tokens, start_tokens

LOGIT_ROWS = 256  # tokens whose logits exist at a time: 256 x 256,000 float32 are 0.25 GiB


@dataclass(frozen=True)
class Window:
    """`targets` [n] are the tokens that follow the last n of the `inputs` that the model reads."""

    inputs: np.ndarray
    targets: np.ndarray


def windows_of(tokens: np.ndarray, length: int, tokenizer: PreTrainedTokenizerBase) -> list[Window]:
    """Cut packed tokens into windows of at most `length` scored tokens.

    Each window reads what stands before its first scored token, so that every token of the text is
    scored exactly once: for a tokenizer that begins a text with tokens of its own, those; for the
    others the preceding token of the text (before the first window `first_tokens`).

    Full windows without a start token are lm-eval's rolling windows with a context of one token.
    The last, shorter window is not: lm-eval lets it begin earlier. Nor are windows with a start
    token, which lm-eval puts before the first window only, where it stands twice.
    """
    own, first = start_tokens(tokenizer), first_tokens(tokenizer)
    windows = []
    for start in range(0, len(tokens), length):
        targets = tokens[start : start + length]
        before = own or (first if start == 0 else [tokens[start - 1]])
        windows.append(Window(np.concatenate([before, targets[:-1]]), targets))
    return windows


def tokens_read(length: int, tokenizer: PreTrainedTokenizerBase) -> int:
    """Most tokens that the model reads of a window with `length` scored ones."""
    return length + max(0, len(start_tokens(tokenizer)) - 1)


def window_losses(model: PreTrainedModel, windows: list[Window], batch_tokens: int) -> list[float]:
    """Negative log-likelihood of each window, in nats, summed over its tokens.

    Windows of equal length share a batch; nothing is padded.
    """
    length = len(windows[0].targets)
    rows = max(1, batch_tokens // length)
    full = [window for window in windows if len(window.targets) == length]
    batches = [full[start : start + rows] for start in range(0, len(full), rows)]
    batches += [[window] for window in windows if len(window.targets) != length]
    return [loss for batch in batches for loss in _batch_losses(model, batch)]


@torch.inference_mode()
def _batch_losses(model: PreTrainedModel, batch: list[Window]) -> list[float]:
    inputs = torch.from_numpy(np.stack([window.inputs for window in batch])).long()
    targets = torch.from_numpy(np.stack([window.targets for window in batch])).long()
    hidden = forward(model, inputs)[:, -targets.shape[1] :].flatten(0, 1)  # (tokens, hidden)
    expected = targets.flatten().to(hidden.device)
    losses = [
        cross_entropy(logits(model, part).float(), target, reduction="none")
        for part, target in zip(hidden.split(LOGIT_ROWS), expected.split(LOGIT_ROWS), strict=True)
    ]
    return torch.cat(losses).view(targets.shape).double().sum(dim=1).tolist()


def logits(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Output logits of hidden states [tokens, hidden] -> [tokens, vocabulary].

    What a model class does to its logits after the output head is read from its config.
    """
    config = model.config.get_text_config()
    values = model.get_output_embeddings()(hidden)
    if (scale := getattr(config, "logit_scale", None)) is not None:  # Cohere
        values = values * scale
    if (divisor := getattr(config, "logits_scaling", None)) is not None:  # Granite
        values = values / divisor
    if (cap := getattr(config, "final_logit_softcapping", None)) is not None:  # Gemma 2
        values = cap * torch.tanh(values / cap)
    return values


@torch.inference_mode()
def check_logits(model: PreTrainedModel) -> None:
    """Raise InputError if the logits overflow, or `logits` is not what the model itself computes.

    Two forward passes over eight tokens: once for a model, since for a short text it is a third of
    the work.
    """
    vocabulary = model.config.get_text_config().vocab_size
    inputs = torch.arange(8, device=model.device)[None] % vocabulary
    expected = model(input_ids=inputs, use_cache=False).logits[0]
    name = type(model).__name__
    if not torch.isfinite(expected).all():
        raise InputError(f"{name}: its logits are {not_finite(model)}")
    found = logits(model, forward(model, inputs)[0])
    if not torch.allclose(found.float(), expected.float(), rtol=1e-2, atol=1e-2):
        raise InputError(f"{name} changes its logits in a way that perplexity.py does not know")


def perplexity(window_nll: list[float], window_tokens: list[int]) -> float:
    """exp(sum of negative log-likelihoods / number of tokens)."""
    return math.exp(math.fsum(window_nll) / sum(window_tokens))


def bits_per_byte(window_nll: list[float], utf8_bytes: int) -> float:
    """Bits needed for a byte of the text.

    Comparable between languages and tokenizers where these know the text: an unknown token costs a
    few bits, whatever number of bytes it stands for.
    """
    return math.fsum(window_nll) / math.log(2) / utf8_bytes
