"""The smallest model that is fetched and loads, as the content of its files.

One block of width 4, a vocabulary of one token, and a tensor beside the model that brings the file
of weights to its size.
"""

import json

import numpy as np
from safetensors.numpy import save
from tiny import ONE_WORD
from transformers import LlamaConfig, LlamaForCausalLM

CONFIG = {
    "model_type": "llama",
    **dict.fromkeys(("hidden_size", "intermediate_size"), 4),
    **dict.fromkeys(("num_hidden_layers", "num_attention_heads", "vocab_size"), 1),
    **dict.fromkeys(("bos_token_id", "eos_token_id"), 0),
}
SIZE = 10240  # bytes of a file of weights


def weights_file(filler, tensors):
    """A safetensors file of tensors, brought to its size by one that no model has."""
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    random = np.random.default_rng(ord(filler))

    def file(length):
        return save(arrays | {filler: random.integers(0, 255, length, dtype=np.uint8)})

    length = SIZE // 2
    for _ in range(2):  # the header grows with the digits of the length
        length += SIZE - len(file(length))
    assert len(file(length)) == SIZE
    return file(length)


TENSORS = LlamaForCausalLM(LlamaConfig(**CONFIG)).state_dict()
MODEL = {
    "config.json": json.dumps(CONFIG).encode(),
    "model.safetensors": weights_file("a", TENSORS),
    "tokenizer.json": ONE_WORD,
}
