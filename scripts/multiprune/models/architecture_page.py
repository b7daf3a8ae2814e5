"""The page that lists the architectures that are known and tested."""

from multiprune.models.architectures import ARCHITECTURES, Architecture

HEAD = """# Model families

For whoever brings a model.

Models whose `config.json` names one of these as `model_type` can be pruned, evaluated and exported.
Each is tested on a tiny random model of its class: statistics, masks, perplexity and export against
plain computations, dense and sequential. This page is generated (`make docs`); a class is one line
in `scripts/multiprune/models/architectures.py`, one in `architecture_page.py` and a builder in
`tests/tiny_architectures.py`.

Masks use the parameter names of the `state_dict()` of the class that transformers loads the folder
with; they begin with `blocks`. Files may use other names (`in files`), and an export keeps those of
its model. Only the linear layers of these blocks are pruned; embeddings, output head, norms and
whatever is beside the blocks stay as they are.

A model with a vision tower is loaded as a whole by `AutoModelForImageTextToText`; its text model is
pruned and measured, on text alone, and the export has the tower byte by byte.

Refused in one line: mixtures of experts, weights that are quantized, every other
`model_type`, and folders that ask for code of their own (`auto_map`): where the class stands here,
a local copy without that entry will do.

| `model_type` | models | `blocks` | in files | notes |
|---|---|---|---|---|
"""

# Of each class, models that have it, and what to know of it.
MODELS = {
    "apertus": ("swiss-ai/Apertus-8B-2509", "more than 1,000 languages"),
    "arcee": ("arcee-ai/AFM-4.5B", ""),
    "bloom": ("bigscience/bloom-7b1, bigscience/bloomz-7b1", ""),
    "codegen": ("Salesforce/codegen-2B-multi", "query, key and value in one matrix"),
    "cohere": ("CohereLabs/aya-23-8B, aya-expanse-8b", ""),
    "cohere2": ("CohereLabs/c4ai-command-r7b-12-2024", ""),
    "cwm": ("facebook/cwm", ""),
    "ernie4_5": ("baidu/ERNIE-4.5-0.3B-PT", ""),
    "exaone4": ("LGAI-EXAONE/EXAONE-4.0-32B", ""),
    "gemma": ("google/gemma-7b", ""),
    "gemma2": ("google/gemma-2-9b", ""),
    "gemma3": ("google/gemma-3-4b-pt, gemma-3-12b-pt, gemma-3-27b-pt", ""),
    "gemma3_text": ("google/gemma-3-270m, gemma-3-1b-pt", ""),
    "gemma4": ("google/gemma-4-e2b-it", ""),
    "gemma4_text": (
        "text models of Gemma 4",
        "two more matrices in blocks with embeddings",
    ),
    "glm": ("zai-org/glm-4-9b-hf", "gate and up in one matrix"),
    "glm4": ("zai-org/GLM-4-9B-0414", "gate and up in one matrix"),
    "gpt2": ("openai-community/gpt2, ai-forever/mGPT", ""),
    "gpt_neox": ("EleutherAI/pythia-1.4b, gpt-neox-20b", "query, key and value in one matrix"),
    "gptj": ("EleutherAI/gpt-j-6b", ""),
    "granite": ("ibm-granite/granite-3.3-8b-base", ""),
    "helium": ("kyutai/helium-1-2b", ""),
    "hunyuan_v1_dense": ("tencent/Hunyuan-7B-Instruct", ""),
    "jais2": ("inceptionai/Jais-2-8B-Chat", ""),
    "llama": ("meta-llama/Llama-3.1-8B, HuggingFaceTB/SmolLM2-135M", ""),
    "ministral": ("mistralai/Ministral-8B-Instruct-2410", ""),
    "ministral3": ("text models of Ministral 3", ""),
    "mistral": ("mistralai/Mistral-7B-v0.1, Mistral-Nemo-Base-2407", ""),
    "mistral3": ("mistralai/Mistral-Small-3.1-24B-Base-2503, Ministral-3-8B-Base-2512", ""),
    "mpt": ("mosaicml/mpt-7b", "query, key and value in one matrix"),
    "nemotron": ("nvidia/Minitron-4B-Base", ""),
    "olmo": ("allenai/OLMo-7B-hf", ""),
    "olmo2": ("allenai/OLMo-2-1124-7B", ""),
    "olmo3": ("allenai/Olmo-3-1025-7B", ""),
    "opt": ("facebook/opt-1.3b", ""),
    "persimmon": ("adept/persimmon-8b-base", "query, key and value in one matrix"),
    "phi": ("microsoft/phi-2", ""),
    "phi3": ("microsoft/Phi-3-mini-4k-instruct, phi-4", "q, k, v and gate, up in one matrix each"),
    "qwen2": ("Qwen/Qwen2.5-7B", ""),
    "qwen2_5_vl": ("Qwen/Qwen2.5-VL-7B-Instruct", ""),
    "qwen3": ("Qwen/Qwen3-8B-Base", ""),
    "qwen3_vl": ("Qwen/Qwen3-VL-4B-Instruct", ""),
    "seed_oss": ("ByteDance-Seed/Seed-OSS-36B-Base", ""),
    "smollm3": ("HuggingFaceTB/SmolLM3-3B-Base", ""),
    "stablelm": ("stabilityai/stablelm-2-1_6b", ""),
    "starcoder2": ("bigcode/starcoder2-7b", ""),
    "vaultgemma": ("google/vaultgemma-1b", ""),
    "xglm": ("facebook/xglm-2.9B", ""),
}


def render() -> str:
    """The whole page."""
    return HEAD + "".join(_row(name, entry) for name, entry in ARCHITECTURES.items())


def _row(name: str, architecture: Architecture) -> str:
    models, note = MODELS[name]
    stored = f"`{architecture.stored}`" if architecture.stored else ""
    notes = [note] if note else []
    if architecture.text:
        notes.append(f"vision tower; text model {' or '.join(f'`{t}`' for t in architecture.text)}")
    if architecture.transposed:
        notes.append("weights stored as inputs x outputs")
    if not architecture.float16:
        notes.append("not in float16: it overflows")
    return f"| `{name}` | {models} | `{architecture.blocks}` | {stored} | {'; '.join(notes)} |\n"
