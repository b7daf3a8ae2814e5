"""A tiny random model of every supported architecture: the modules of its blocks, and its numbers.

Two blocks, hidden size 32, a vocabulary of 258 bytes. Nothing is symmetric: norm weights and biases
are random too, so that a mixed-up channel or a forgotten scale changes numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tiny_builders as builders
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer
from torch import nn
from transformers import PreTrainedModel

ATTENTION = [{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}, {"self_attn.o_proj"}]
SERIAL = [*ATTENTION, {"mlp.gate_proj", "mlp.up_proj"}, {"mlp.down_proj"}]
UNGATED = [*ATTENTION, {"mlp.up_proj"}, {"mlp.down_proj"}]
FUSED_GATE = [*ATTENTION, {"mlp.gate_up_proj"}, {"mlp.down_proj"}]
# Attention and feed-forward network side by side read the same normalised residual.
PARALLEL = [ATTENTION[0] | SERIAL[2], {"self_attn.o_proj"}, {"mlp.down_proj"}]
INNER = "model.language_model.layers"


@dataclass(frozen=True)
class Tiny:
    """A builder, the modules of a block that share each input, and the blocks' prefix.

    The last of `shared_inputs` is the down projection alone. `published_bare` says that published
    checkpoints leave the base model's prefix out, `stored` is another prefix in all files, and
    `auto_class` what transformers loads them with.
    """

    build: Callable[[], PreTrainedModel]
    shared_inputs: list[set[str]]
    blocks: str = "model.layers"
    published_bare: bool = False
    stored: str = ""
    auto_class: str = "AutoModelForCausalLM"


def _beside_vision(build: Callable[[], PreTrainedModel], stored: str = "") -> Tiny:
    return Tiny(build, SERIAL, INNER, stored=stored, auto_class="AutoModelForImageTextToText")


ARCHITECTURES = {
    "llama": Tiny(builders.llama, SERIAL),
    "mistral": Tiny(builders.mistral, SERIAL),
    "qwen2": Tiny(builders.qwen2, SERIAL),
    "qwen3": Tiny(builders.qwen3, SERIAL),
    "gemma": Tiny(builders.gemma, SERIAL),
    "gemma2": Tiny(builders.gemma2, SERIAL),
    "gemma3_text": Tiny(builders.gemma3_text, SERIAL),
    "cohere": Tiny(builders.cohere, PARALLEL),
    "cohere_with_head_norms": Tiny(builders.cohere_with_head_norms, PARALLEL),
    "cohere2": Tiny(builders.cohere2, PARALLEL),
    "olmo": Tiny(builders.olmo, SERIAL),
    "olmo2": Tiny(builders.olmo2, SERIAL),
    "bloom": Tiny(
        builders.bloom,
        [
            {"self_attention.query_key_value"},
            {"self_attention.dense"},
            {"mlp.dense_h_to_4h"},
            {"mlp.dense_4h_to_h"},
        ],
        blocks="transformer.h",
        published_bare=True,
    ),
    "xglm": Tiny(builders.xglm, [ATTENTION[0], {"self_attn.out_proj"}, {"fc1"}, {"fc2"}]),
    "gpt2": Tiny(
        builders.gpt2,
        [{"attn.c_attn"}, {"attn.c_proj"}, {"mlp.c_fc"}, {"mlp.c_proj"}],
        blocks="transformer.h",
        published_bare=True,
    ),
    "apertus": Tiny(partial(builders.of_text, "apertus"), UNGATED),
    "arcee": Tiny(partial(builders.of_text, "arcee"), UNGATED),
    "codegen": Tiny(
        builders.codegen,
        [{"attn.qkv_proj", "mlp.fc_in"}, {"attn.out_proj"}, {"mlp.fc_out"}],
        blocks="transformer.h",
    ),
    "cwm": Tiny(partial(builders.of_text, "cwm", sliding_window=8), SERIAL),
    "ernie4_5": Tiny(partial(builders.of_text, "ernie4_5", use_bias=True), SERIAL),
    "exaone4": Tiny(partial(builders.of_text, "exaone4", sliding_window=8), SERIAL),
    "gemma3": _beside_vision(builders.gemma3, "language_model.model.layers"),
    "gemma4": _beside_vision(builders.gemma4),
    "gemma4_text": Tiny(
        builders.gemma4_text, [{"per_layer_input_gate"}, {"per_layer_projection"}, *SERIAL]
    ),
    "glm": Tiny(partial(builders.of_text, "glm"), FUSED_GATE),
    "glm4": Tiny(partial(builders.of_text, "glm4"), FUSED_GATE),
    "gpt_neox": Tiny(
        partial(builders.of_text, "gpt_neox"),
        [
            {"attention.query_key_value"},
            {"attention.dense"},
            {"mlp.dense_h_to_4h"},
            {"mlp.dense_4h_to_h"},
        ],
        blocks="gpt_neox.layers",
    ),
    "gptj": Tiny(
        builders.gptj,
        [
            {"attn.q_proj", "attn.k_proj", "attn.v_proj", "mlp.fc_in"},
            {"attn.out_proj"},
            {"mlp.fc_out"},
        ],
        blocks="transformer.h",
    ),
    "granite": Tiny(builders.granite, SERIAL),
    "helium": Tiny(partial(builders.of_text, "helium"), SERIAL),
    "hunyuan_v1_dense": Tiny(partial(builders.of_text, "hunyuan_v1_dense"), SERIAL),
    "jais2": Tiny(partial(builders.of_text, "jais2"), UNGATED),
    "ministral": Tiny(partial(builders.of_text, "ministral", sliding_window=8), SERIAL),
    "ministral3": Tiny(partial(builders.of_text, "ministral3"), SERIAL),
    "mistral3": _beside_vision(builders.mistral3, "language_model.model.layers"),
    "mpt": Tiny(
        builders.mpt,
        [{"attn.Wqkv"}, {"attn.out_proj"}, {"ffn.up_proj"}, {"ffn.down_proj"}],
        blocks="transformer.blocks",
    ),
    "nemotron": Tiny(partial(builders.of_text, "nemotron"), UNGATED),
    "olmo3": Tiny(partial(builders.of_text, "olmo3", sliding_window=8), SERIAL),
    "opt": Tiny(
        builders.opt,
        [ATTENTION[0], {"self_attn.out_proj"}, {"fc1"}, {"fc2"}],
        blocks="model.decoder.layers",
    ),
    "persimmon": Tiny(
        partial(builders.of_text, "persimmon"),
        [
            {"self_attn.query_key_value"},
            {"self_attn.dense"},
            {"mlp.dense_h_to_4h"},
            {"mlp.dense_4h_to_h"},
        ],
    ),
    "phi": Tiny(
        partial(builders.of_text, "phi"),
        [ATTENTION[0] | {"mlp.fc1"}, {"self_attn.dense"}, {"mlp.fc2"}],
    ),
    "phi3": Tiny(
        partial(builders.of_text, "phi3"),
        [{"self_attn.qkv_proj"}, {"self_attn.o_proj"}, {"mlp.gate_up_proj"}, {"mlp.down_proj"}],
    ),
    "qwen2_5_vl": _beside_vision(builders.qwen2_5_vl, "model.layers"),
    "qwen3_vl": _beside_vision(builders.qwen3_vl),
    "seed_oss": Tiny(partial(builders.of_text, "seed_oss"), SERIAL),
    "smollm3": Tiny(partial(builders.of_text, "smollm3"), SERIAL),
    "stablelm": Tiny(builders.stablelm, PARALLEL),
    "starcoder2": Tiny(
        partial(builders.of_text, "starcoder2"), [*ATTENTION, {"mlp.c_fc"}, {"mlp.c_proj"}]
    ),
    "vaultgemma": Tiny(
        partial(builders.of_text, "vaultgemma", final_logit_softcapping=3.0), SERIAL
    ),
}


def random_model(name: str, seed: int = 0) -> PreTrainedModel:
    """The tiny model of that name with every parameter random, in evaluation mode."""
    torch.manual_seed(seed)
    return randomized(ARCHITECTURES[name].build())


def randomized(model: PreTrainedModel) -> PreTrainedModel:
    """A model with every parameter random, in evaluation mode."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2 and parameter.shape[1] > 8:
                parameter.normal_(std=1.5 / math.sqrt(parameter.shape[1]))
            else:  # norm weights and biases
                parameter.uniform_(0.5, 1.5).mul_(torch.randn_like(parameter).sign())
    return model.eval()


def write_model(name: str, folder: Path, dtype: torch.dtype = torch.float32, **options) -> Path:
    """Save a tiny model with the byte tokenizer; `options` are those of `save_pretrained`."""
    random_model(name).to(dtype).save_pretrained(folder, **options)
    byte_tokenizer().save_pretrained(folder)
    return folder


def load_plainly(name: str, folder: Path, dtype: str | torch.dtype = "auto") -> PreTrainedModel:
    """A saved tiny model as transformers alone loads it."""
    auto_class = getattr(transformers, ARCHITECTURES[name].auto_class)
    return auto_class.from_pretrained(folder, dtype=dtype).eval()


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
