"""A model that several tests of this folder share."""

import pytest
import torch
from tiny import write_llama
from transformers import LlamaForCausalLM


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> LlamaForCausalLM:
    """A random Llama."""
    folder = write_llama(tmp_path_factory.mktemp("models") / "llama")
    model = LlamaForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5)  # so that predictions are far from uniform
    return model
