"""A tiny random model of every supported architecture, one builder per class of transformers.

Two blocks, hidden size 32, a vocabulary of 258 bytes. Nothing is symmetric: norm weights and biases
are random too, so that a mixed-up channel or a forgotten scale changes numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer
from torch import nn
from transformers import PreTrainedModel

TOKENS = {"vocab_size": 258, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
SIZES = {
    **TOKENS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
}
ATTENTION = [{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}, {"self_attn.o_proj"}]
SERIAL = [*ATTENTION, {"mlp.gate_proj", "mlp.up_proj"}, {"mlp.down_proj"}]
# Attention and feed-forward network side by side read the same normalised residual.
PARALLEL = [ATTENTION[0] | SERIAL[2], {"self_attn.o_proj"}, {"mlp.down_proj"}]


@dataclass(frozen=True)
class Tiny:
    """A builder, the modules of a block that share each input, and the base model's prefix.

    `published_bare` says that the published checkpoints leave that prefix out.
    """

    build: Callable[[], PreTrainedModel]
    shared_inputs: list[set[str]]
    blocks: str = "model.layers"
    published_bare: bool = False


def llama() -> PreTrainedModel:
    """Biases everywhere, untied output head."""
    config = transformers.LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True)
    return transformers.LlamaForCausalLM(config)


def mistral() -> PreTrainedModel:
    """A sliding window shorter than the texts."""
    return transformers.MistralForCausalLM(transformers.MistralConfig(**SIZES, sliding_window=8))


def qwen2() -> PreTrainedModel:
    """Tied, as the small Qwen2 models are; q, k and v have biases."""
    return transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(**SIZES, tie_word_embeddings=True)
    )


def qwen3() -> PreTrainedModel:
    """Norms of queries and keys, one weight vector for all heads."""
    return transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SIZES))


def gemma() -> PreTrainedModel:
    """Embeddings are scaled by the root of the hidden size."""
    return transformers.GemmaForCausalLM(transformers.GemmaConfig(**SIZES))


def gemma2() -> PreTrainedModel:
    """Logits are capped, here so low that it matters; every other block has a sliding window."""
    config = transformers.Gemma2Config(**SIZES, final_logit_softcapping=2.0, sliding_window=8)
    return transformers.Gemma2ForCausalLM(config)


def gemma3_text() -> PreTrainedModel:
    """The text model of Gemma 3, with capped logits, which the class knows as well."""
    config = transformers.Gemma3TextConfig(**SIZES, final_logit_softcapping=3.0, sliding_window=8)
    return transformers.Gemma3ForCausalLM(config)


def cohere() -> PreTrainedModel:
    """Aya and Command R: parallel block, scaled logits."""
    return transformers.CohereForCausalLM(transformers.CohereConfig(**SIZES, logit_scale=0.25))


def cohere_with_head_norms() -> PreTrainedModel:
    """Command R+: norms of queries and keys have one weight a head, which makes them 2-D."""
    config = transformers.CohereConfig(**SIZES, logit_scale=0.25, use_qk_norm=True)
    return transformers.CohereForCausalLM(config)


def cohere2() -> PreTrainedModel:
    """Command R7B: as Cohere, with a sliding window in some blocks."""
    config = transformers.Cohere2Config(**SIZES, logit_scale=0.25, sliding_window=8)
    return transformers.Cohere2ForCausalLM(config)


def olmo() -> PreTrainedModel:
    """Norms without weights; queries, keys and values are clipped."""
    return transformers.OlmoForCausalLM(transformers.OlmoConfig(**SIZES, clip_qkv=1.0))


def olmo2() -> PreTrainedModel:
    """Norms after attention and feed-forward network: linear layers read the raw residual."""
    return transformers.Olmo2ForCausalLM(transformers.Olmo2Config(**SIZES))


def bloom() -> PreTrainedModel:
    """Query, key and value in one matrix; ALiBi positions."""
    config = transformers.BloomConfig(**TOKENS, hidden_size=32, n_layer=2, n_head=4)
    return transformers.BloomForCausalLM(config)


def xglm() -> PreTrainedModel:
    """Scaled embeddings, sinusoidal positions."""
    sizes = {"d_model": 32, "ffn_dim": 48, "num_layers": 2, "attention_heads": 4}
    config = transformers.XGLMConfig(**TOKENS, **sizes, max_position_embeddings=128)
    return transformers.XGLMForCausalLM(config)


def gpt2() -> PreTrainedModel:
    """GPT-2 and mGPT: Conv1D weights are stored [inputs, outputs]."""
    config = transformers.GPT2Config(**TOKENS, n_positions=128, n_embd=32, n_layer=2, n_head=4)
    return transformers.GPT2LMHeadModel(config)


ARCHITECTURES = {
    "llama": Tiny(llama, SERIAL),
    "mistral": Tiny(mistral, SERIAL),
    "qwen2": Tiny(qwen2, SERIAL),
    "qwen3": Tiny(qwen3, SERIAL),
    "gemma": Tiny(gemma, SERIAL),
    "gemma2": Tiny(gemma2, SERIAL),
    "gemma3_text": Tiny(gemma3_text, SERIAL),
    "cohere": Tiny(cohere, PARALLEL),
    "cohere_with_head_norms": Tiny(cohere_with_head_norms, PARALLEL),
    "cohere2": Tiny(cohere2, PARALLEL),
    "olmo": Tiny(olmo, SERIAL),
    "olmo2": Tiny(olmo2, SERIAL),
    "bloom": Tiny(
        bloom,
        [
            {"self_attention.query_key_value"},
            {"self_attention.dense"},
            {"mlp.dense_h_to_4h"},
            {"mlp.dense_4h_to_h"},
        ],
        blocks="transformer.h",
        published_bare=True,
    ),
    "xglm": Tiny(xglm, [ATTENTION[0], {"self_attn.out_proj"}, {"fc1"}, {"fc2"}]),
    "gpt2": Tiny(
        gpt2,
        [{"attn.c_attn"}, {"attn.c_proj"}, {"mlp.c_fc"}, {"mlp.c_proj"}],
        blocks="transformer.h",
        published_bare=True,
    ),
}


def random_model(name: str, seed: int = 0) -> PreTrainedModel:
    """The tiny model of that name with every parameter random, in evaluation mode."""
    torch.manual_seed(seed)
    model = ARCHITECTURES[name].build().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2 and parameter.shape[1] > 8:
                parameter.normal_(std=1.5 / math.sqrt(parameter.shape[1]))
            else:  # norm weights and biases
                parameter.uniform_(0.5, 1.5).mul_(torch.randn_like(parameter).sign())
    return model


def write_model(name: str, folder: Path, dtype: torch.dtype = torch.float32, **options) -> Path:
    """Save a tiny model with the byte tokenizer; `options` are those of `save_pretrained`."""
    random_model(name).to(dtype).save_pretrained(folder, **options)
    byte_tokenizer().save_pretrained(folder)
    return folder


def publish_bare(folder: Path) -> None:
    """Rewrite a saved checkpoint as the hub has it: no base prefix, no head, causal masks.

    The published files of GPT-2 hold the causal masks of attention as 4-D `bias` tensors.
    """
    path = folder / "model.safetensors"
    tensors = {
        name.split(".", 1)[1]: tensor.clone()
        for name, tensor in load_file(path).items()
        if name.startswith("transformer.")
    }
    if "h.0.attn.c_attn.weight" in tensors:
        tensors |= {f"h.{block}.attn.bias": torch.ones(1, 1, 128, 128).tril() for block in (0, 1)}
    save_file(tensors, path, metadata={"format": "pt"})


def linear_modules(name: str, model: PreTrainedModel) -> dict[str, nn.Module]:
    """The linear modules of both blocks, by the names that the architecture's class gives them."""
    tiny = ARCHITECTURES[name]
    return {
        f"{tiny.blocks}.{block}.{module}": model.get_submodule(f"{tiny.blocks}.{block}.{module}")
        for block in (0, 1)
        for shared in tiny.shared_inputs
        for module in sorted(shared)
    }
