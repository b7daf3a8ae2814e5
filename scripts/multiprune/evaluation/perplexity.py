"""Perplexity of a causal language model on a text: every token scored once, window by window."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from multiprune.evaluation.output_head import token_scores
from multiprune.models.devices import in_halves
from multiprune.models.loading import forward
from multiprune.models.tokenization import first_tokens, start_tokens


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
    losses = partial(_batch_losses, model)
    return [loss for batch in batches for loss in in_halves(losses, batch)]


@torch.inference_mode()
def _batch_losses(model: PreTrainedModel, batch: list[Window]) -> list[float]:
    inputs = torch.from_numpy(np.stack([window.inputs for window in batch])).long()
    targets = torch.from_numpy(np.stack([window.targets for window in batch])).long()
    hidden = forward(model, inputs)[:, -targets.shape[1] :].flatten(0, 1)  # (tokens, hidden)
    likelihoods, _likeliest = token_scores(model, hidden, targets.flatten())
    return (-likelihoods).view(targets.shape).double().sum(dim=1).tolist()


def perplexity(window_nll: list[float], window_tokens: list[int]) -> float:
    """exp(sum of negative log-likelihoods / number of tokens)."""
    return math.exp(math.fsum(window_nll) / sum(window_tokens))


def bits_per_byte(window_nll: list[float], utf8_bytes: int) -> float:
    """Bits needed for a byte of the text.

    Comparable between languages and tokenizers where these know the text: an unknown token costs a
    few bits, whatever number of bytes it stands for.
    """
    return math.fsum(window_nll) / math.log(2) / utf8_bytes
