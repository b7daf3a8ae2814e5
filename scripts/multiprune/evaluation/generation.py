"""Greedy generation: what a model writes behind the beginning of a text."""

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from multiprune.errors import InputError
from multiprune.models.loading import not_finite
from multiprune.models.tokenization import encode, start_tokens


def prompt_ids(prompt: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Token ids of a prompt, behind what the tokenizer begins every text with."""
    return [*start_tokens(tokenizer), *encode([prompt], tokenizer)[0]]


@torch.inference_mode()
def continued(model: PreTrainedModel, ids: list[int], most: int, stop: int | None) -> list[int]:
    """The likeliest next token, again and again: at most `most`, fewer where `stop` is the next.

    Of equally likely tokens the one with the lowest id. Nothing else decides, whatever the model's
    own settings for generation say. InputError where the logits are not finite.
    """
    written: list[int] = []
    read, before = ids, None  # what the model has read before stands in its keys and values
    while len(written) < most:
        inputs = torch.tensor([read], device=model.device)
        output = model(input_ids=inputs, past_key_values=before, use_cache=True)
        scores = output.logits[0, -1].float()  # (vocabulary)
        if not torch.isfinite(scores).all():
            raise InputError(f"{type(model).__name__}: its logits are {not_finite(model)}")
        token = int((scores == scores.max()).nonzero()[0, 0])
        if token == stop:
            break
        written.append(token)
        read, before = [token], output.past_key_values
    return written


def text_of(ids: list[int], written: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """The text of the written tokens, as it stands behind that of `ids`."""
    before = tokenizer.decode(ids, skip_special_tokens=True)
    whole = tokenizer.decode([*ids, *written], skip_special_tokens=True)
    if whole.startswith(before):
        return whole[len(before) :]
    return tokenizer.decode(written, skip_special_tokens=True)
