"""Builders of tiny random models, one per class of transformers: two blocks, hidden size 32.

The sizes are those of every class; what else a builder sets is what its numbers depend on.
"""

import transformers
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
