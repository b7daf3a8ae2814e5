"""A tiny random model of every supported architecture, one builder per class of transformers.

Two blocks, hidden size 32, a vocabulary of 258 bytes. Nothing is symmetric: norm weights and biases
are random too, so that a mixed-up channel or a forgotten scale changes numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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


def of_text(model_type: str, **options: object) -> PreTrainedModel:
    """A class that needs no more than sizes, and what its numbers depend on."""
    config = transformers.AutoConfig.for_model(model_type, **SIZES | options)
    return transformers.AutoModelForCausalLM.from_config(config)


def stablelm() -> PreTrainedModel:
    """Attention and feed-forward network side by side, a norm for each head."""
    return of_text("stablelm", use_parallel_residual=True, qk_layernorm=True, use_qkv_bias=True)


def gemma4_text() -> PreTrainedModel:
    """Every block reads an embedding of its own, through two further matrices."""
    sizes = {"hidden_size_per_layer_input": 16, "vocab_size_per_layer_input": 258}
    kinds = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8}
    return of_text("gemma4_text", **sizes, **kinds, global_head_dim=8, final_logit_softcapping=3.0)


def granite() -> PreTrainedModel:
    """Logits are divided, embeddings, attention and residuals are multiplied."""
    factors = {"logits_scaling": 4.0, "embedding_multiplier": 3.0, "residual_multiplier": 0.5}
    return of_text("granite", **factors, attention_multiplier=0.2)


def opt() -> PreTrainedModel:
    """Learned positions; blocks lie one level deeper."""
    sizes = {"hidden_size": 32, "ffn_dim": 48, "word_embed_proj_dim": 32, "num_hidden_layers": 2}
    config = transformers.OPTConfig(
        **TOKENS, **sizes, num_attention_heads=4, max_position_embeddings=128
    )
    return transformers.OPTForCausalLM(config)


def gptj() -> PreTrainedModel:
    """Parallel block with one norm, rotary positions on a part of each head."""
    return _gptj_like(transformers.GPTJConfig, transformers.GPTJForCausalLM)


def codegen() -> PreTrainedModel:
    """As GPT-J, with query, key and value in one matrix."""
    return _gptj_like(transformers.CodeGenConfig, transformers.CodeGenForCausalLM)


def _gptj_like(config_class: type, model_class: type) -> PreTrainedModel:
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, "n_inner": 48}
    return model_class(config_class(**TOKENS, **sizes, rotary_dim=4))


def mpt() -> PreTrainedModel:
    """ALiBi positions, query, key and value in one matrix."""
    sizes = {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 128}
    return transformers.MptForCausalLM(transformers.MptConfig(**TOKENS, **sizes))


VISION = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
VISION |= {"num_attention_heads": 2, "image_size": 28, "patch_size": 14}
QWEN_VISION = {"depth": 1, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2}
QWEN_VISION |= {"out_hidden_size": 32, "patch_size": 14}
QWEN_TOKENS = {"image_token_id": 255, "video_token_id": 256}
QWEN_TOKENS |= {"vision_start_token_id": 254, "vision_end_token_id": 253}
QWEN_ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}


def with_vision(model_type: str, text: dict, vision: dict, **options: object) -> PreTrainedModel:
    """A model with a vision tower of one block beside its text model."""
    config = transformers.AutoConfig.for_model(
        model_type, text_config=SIZES | text, vision_config=vision, **options
    )
    return transformers.AutoModelForImageTextToText.from_config(config)


def gemma3() -> PreTrainedModel:
    """Gemma 3 from 4B: files call the blocks `language_model.model.layers`."""
    vision = VISION | {"model_type": "siglip_vision_model"}
    options = {"mm_tokens_per_image": 4, "image_token_index": 257}
    return with_vision("gemma3", {"sliding_window": 8}, vision, **options)


def gemma4() -> PreTrainedModel:
    """Gemma 4 without embeddings for every block, as its largest dense model is."""
    text = {"hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 258}
    text |= {"sliding_window": 8, "global_head_dim": 8}
    text |= {"layer_types": ["sliding_attention", "full_attention"]}
    vision = {key: size for key, size in VISION.items() if key != "image_size"}
    vision |= {"num_key_value_heads": 2, "head_dim": 8, "position_embedding_size": 16}
    return with_vision("gemma4", text, vision, audio_config=None, image_token_id=257)


def mistral3() -> PreTrainedModel:
    """Mistral Small 3.1 and Ministral 3: the text model is of another type, its head untied."""
    vision = VISION | {"model_type": "pixtral", "head_dim": 8}
    options = {"image_token_index": 257, "tie_word_embeddings": False}
    return with_vision("mistral3", {"model_type": "ministral3"}, vision, **options)


def qwen2_5_vl() -> PreTrainedModel:
    """Positions of three dimensions; files call the blocks `model.layers`."""
    return with_vision("qwen2_5_vl", {"rope_parameters": QWEN_ROPE}, QWEN_VISION, **QWEN_TOKENS)


def qwen3_vl() -> PreTrainedModel:
    """What the vision tower sees is added to the first blocks' output as well."""
    vision = QWEN_VISION | {"deepstack_visual_indexes": [0], "num_position_embeddings": 16}
    return with_vision("qwen3_vl", {"rope_parameters": QWEN_ROPE}, vision, **QWEN_TOKENS)


def _beside_vision(build: Callable[[], PreTrainedModel], stored: str = "") -> Tiny:
    return Tiny(build, SERIAL, INNER, stored=stored, auto_class="AutoModelForImageTextToText")


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
    "apertus": Tiny(partial(of_text, "apertus"), UNGATED),
    "arcee": Tiny(partial(of_text, "arcee"), UNGATED),
    "codegen": Tiny(
        codegen,
        [{"attn.qkv_proj", "mlp.fc_in"}, {"attn.out_proj"}, {"mlp.fc_out"}],
        blocks="transformer.h",
    ),
    "cwm": Tiny(partial(of_text, "cwm", sliding_window=8), SERIAL),
    "ernie4_5": Tiny(partial(of_text, "ernie4_5", use_bias=True), SERIAL),
    "exaone4": Tiny(partial(of_text, "exaone4", sliding_window=8), SERIAL),
    "gemma3": _beside_vision(gemma3, "language_model.model.layers"),
    "gemma4": _beside_vision(gemma4),
    "gemma4_text": Tiny(gemma4_text, [{"per_layer_input_gate"}, {"per_layer_projection"}, *SERIAL]),
    "glm": Tiny(partial(of_text, "glm"), FUSED_GATE),
    "glm4": Tiny(partial(of_text, "glm4"), FUSED_GATE),
    "gpt_neox": Tiny(
        partial(of_text, "gpt_neox"),
        [
            {"attention.query_key_value"},
            {"attention.dense"},
            {"mlp.dense_h_to_4h"},
            {"mlp.dense_4h_to_h"},
        ],
        blocks="gpt_neox.layers",
    ),
    "gptj": Tiny(
        gptj,
        [
            {"attn.q_proj", "attn.k_proj", "attn.v_proj", "mlp.fc_in"},
            {"attn.out_proj"},
            {"mlp.fc_out"},
        ],
        blocks="transformer.h",
    ),
    "granite": Tiny(granite, SERIAL),
    "helium": Tiny(partial(of_text, "helium"), SERIAL),
    "hunyuan_v1_dense": Tiny(partial(of_text, "hunyuan_v1_dense"), SERIAL),
    "jais2": Tiny(partial(of_text, "jais2"), UNGATED),
    "ministral": Tiny(partial(of_text, "ministral", sliding_window=8), SERIAL),
    "ministral3": Tiny(partial(of_text, "ministral3"), SERIAL),
    "mistral3": _beside_vision(mistral3, "language_model.model.layers"),
    "mpt": Tiny(
        mpt,
        [{"attn.Wqkv"}, {"attn.out_proj"}, {"ffn.up_proj"}, {"ffn.down_proj"}],
        blocks="transformer.blocks",
    ),
    "nemotron": Tiny(partial(of_text, "nemotron"), UNGATED),
    "olmo3": Tiny(partial(of_text, "olmo3", sliding_window=8), SERIAL),
    "opt": Tiny(
        opt,
        [ATTENTION[0], {"self_attn.out_proj"}, {"fc1"}, {"fc2"}],
        blocks="model.decoder.layers",
    ),
    "persimmon": Tiny(
        partial(of_text, "persimmon"),
        [
            {"self_attn.query_key_value"},
            {"self_attn.dense"},
            {"mlp.dense_h_to_4h"},
            {"mlp.dense_4h_to_h"},
        ],
    ),
    "phi": Tiny(
        partial(of_text, "phi"),
        [ATTENTION[0] | {"mlp.fc1"}, {"self_attn.dense"}, {"mlp.fc2"}],
    ),
    "phi3": Tiny(
        partial(of_text, "phi3"),
        [{"self_attn.qkv_proj"}, {"self_attn.o_proj"}, {"mlp.gate_up_proj"}, {"mlp.down_proj"}],
    ),
    "qwen2_5_vl": _beside_vision(qwen2_5_vl, "model.layers"),
    "qwen3_vl": _beside_vision(qwen3_vl),
    "seed_oss": Tiny(partial(of_text, "seed_oss"), SERIAL),
    "smollm3": Tiny(partial(of_text, "smollm3"), SERIAL),
    "stablelm": Tiny(stablelm, PARALLEL),
    "starcoder2": Tiny(partial(of_text, "starcoder2"), [*ATTENTION, {"mlp.c_fc"}, {"mlp.c_proj"}]),
    "vaultgemma": Tiny(partial(of_text, "vaultgemma", final_logit_softcapping=3.0), SERIAL),
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
