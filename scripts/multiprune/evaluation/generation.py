"""Greedy generation: what a model writes behind the beginning of a text."""

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteria,
)

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


@torch.inference_mode()
def continued_to(
    end: str,
    model: PreTrainedModel,
    prompts: list[list[int]],
    most: int,
    tokenizer: PreTrainedTokenizerBase,
) -> list[str]:
    """What is written behind each prompt, as by `continued`, up to `end`; all pass together.

    Prompts are padded on the left, under a mask.
    """
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    read = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    stop = tokenizer.eos_token_id
    model.generation_config = GenerationConfig()  # else its own settings fill the gaps
    whole = model.generate(
        ids.to(model.device),
        attention_mask=read.to(model.device),
        generation_config=GenerationConfig(
            do_sample=False, max_new_tokens=most, eos_token_id=stop, pad_token_id=0, use_cache=True
        ),
        logits_processor=[_Finite(model)],
        stopping_criteria=[_Written(end, longest, tokenizer)],
    )
    texts = []
    for prompt, written in zip(prompts, whole[:, longest:].tolist(), strict=True):
        if stop in written:
            written = written[: written.index(stop)]
        texts.append(text_of(prompt, written, tokenizer).partition(end)[0].strip())
    return texts


class _Finite(LogitsProcessor):
    """Refuses logits that are not finite."""

    def __init__(self, model: PreTrainedModel):
        self.model = model

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if not torch.isfinite(scores).all():
            raise InputError(
                f"{type(self.model).__name__}: its logits are {not_finite(self.model)}"
            )
        return scores


class _Written(StoppingCriteria):
    """Ends a row whose text behind the prompt holds `end`."""

    def __init__(self, end: str, longest: int, tokenizer: PreTrainedTokenizerBase):
        self.end, self.longest, self.tokenizer = end, longest, tokenizer

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor, **_more: object) -> torch.Tensor:
        texts = self.tokenizer.batch_decode(ids[:, self.longest :])
        return torch.tensor([self.end in text for text in texts], device=ids.device)


def text_of(ids: list[int], written: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """The text of the written tokens, as it stands behind that of `ids`."""
    before = tokenizer.decode(ids, skip_special_tokens=True)
    whole = tokenizer.decode([*ids, *written], skip_special_tokens=True)
    if whole.startswith(before):
        return whole[len(before) :]
    return tokenizer.decode(written, skip_special_tokens=True)
