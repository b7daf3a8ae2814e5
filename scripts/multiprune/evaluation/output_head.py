"""The output head of a model: logits and log-likelihoods, computed only where a token is scored.

With a large vocabulary the head is most of a small model's work and nearly all of its memory.
"""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from multiprune.errors import InputError
from multiprune.models.loading import forward, not_finite

LOGIT_ROWS = 256  # tokens whose logits exist at a time: 256 x 256,000 float32 are 0.25 GiB


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
def token_scores(model: PreTrainedModel, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Log-likelihoods (nats, float32) of the targets [tokens], and whether each is the likeliest.

    `hidden` [tokens, hidden] are the states from which they are predicted.
    """
    likelihoods, likeliest = [], []
    for part, expected in zip(hidden.split(LOGIT_ROWS), targets.split(LOGIT_ROWS), strict=True):
        values = logits(model, part).float()
        expected = expected.to(values.device)  # of a spread model the head's, which may be another
        chosen = values.gather(1, expected[:, None])[:, 0]
        likelihoods.append(chosen - values.logsumexp(dim=1))
        likeliest.append(chosen == values.amax(dim=1))
    return torch.cat(likelihoods), torch.cat(likeliest)


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
    found = logits(model, forward(model, inputs)[0]).to(expected.device)
    if not torch.allclose(found.float(), expected.float(), rtol=1e-2, atol=1e-2):
        raise InputError(f"{name} changes its logits in a way that output_head.py does not know")
