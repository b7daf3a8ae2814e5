"""Where each supported architecture keeps its decoder blocks and linear layers.

Names are those of the model's own `state_dict()`. Checkpoint files of some models leave out the
base model's prefix (BLOOM, GPT-2) or have another one (Gemma 3 with its vision tower); `state_name`
gives the model's own name.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.json import parse_text
from multiprune.registry import unknown_name


@dataclass(frozen=True)
class Architecture:
    """What sets a class of transformers apart.

    `blocks` is the prefix of its decoder blocks, `stored` the one that they have in files where it
    is another. `transposed` weights are stored [inputs, outputs] (Conv1D). A model with a vision
    tower names in `text` the types that its text model may have. `float16` is False where
    activations grow beyond what float16 can hold. `attention` is the implementation that
    transformers is asked for, which is its own choice where a config names none. Blocks from
    `shared_from` on take keys and values from earlier ones: matrices of their own, which files may
    hold, are not used.
    """

    blocks: str
    transposed: bool = False
    stored: str = ""
    text: tuple[str, ...] = ()
    float16: bool = True
    attention: str = "sdpa"
    shared_from: int | None = None

    @property
    def auto_class(self) -> str:
        """The class of transformers that loads such a model with its output head."""
        return "AutoModelForImageTextToText" if self.text else "AutoModelForCausalLM"

    def state_name(self, checkpoint_name: str) -> str:
        """Name in `state_dict()` of a tensor in a checkpoint file."""
        if self.stored and checkpoint_name.startswith(f"{self.stored}."):
            return self.blocks + checkpoint_name.removeprefix(self.stored)
        base = self.blocks.split(".")[0] + "."
        inner = self.blocks.removeprefix(base).split(".")[0] + "."
        return base + checkpoint_name if checkpoint_name.startswith(inner) else checkpoint_name

    def block_index(self, name: str) -> int | None:
        """Index of the decoder block that a parameter or module belongs to, None outside."""
        found = re.match(rf"{re.escape(self.blocks)}\.(\d+)\.", name)
        return int(found[1]) if found else None

    def is_prunable(self, name: str, shape: tuple[int, ...]) -> bool:
        """Linear weights inside decoder blocks; never embeddings, the output head or norms.

        A norm of queries or keys with a weight for every head has two dimensions (Command R+).
        """
        block = self.block_index(name)
        if block is None or not name.endswith(".weight") or len(shape) != 2 or is_norm(name):
            return False
        shared = self.shared_from is not None and block >= self.shared_from
        return not (shared and name.endswith(KEYS_AND_VALUES))


_LAYERS = Architecture("model.layers")
_HEADS = Architecture("transformer.h")
_GEMMA = Architecture("model.layers", float16=False)
_EAGER = Architecture("model.layers", attention="eager")
_EAGER_HEADS = Architecture("transformer.h", attention="eager")
_EAGER_GEMMA = Architecture("model.layers", float16=False, attention="eager")
_INNER = "model.language_model.layers"  # of a text model beside a vision tower
_WRAPPED = "language_model.model.layers"  # the same in the files of older classes

ARCHITECTURES = {
    "apertus": _LAYERS,
    "arcee": _LAYERS,
    "bloom": _EAGER_HEADS,
    "codegen": _EAGER_HEADS,
    "cohere": _LAYERS,
    "cohere2": _LAYERS,
    "cwm": _LAYERS,
    "ernie4_5": _LAYERS,
    "exaone4": _LAYERS,
    "gemma": _GEMMA,
    "gemma2": _EAGER_GEMMA,
    "gemma3": Architecture(_INNER, stored=_WRAPPED, text=("gemma3_text",), float16=False),
    "gemma3_text": _GEMMA,
    "gemma4": Architecture(_INNER, text=("gemma4_text",), float16=False),
    "gemma4_text": _GEMMA,
    "glm": _LAYERS,
    "glm4": _LAYERS,
    "gpt2": Architecture("transformer.h", transposed=True),
    "gpt_neox": Architecture("gpt_neox.layers"),
    "gptj": _EAGER_HEADS,
    "granite": _LAYERS,
    "helium": _LAYERS,
    "hunyuan_v1_dense": _LAYERS,
    "jais2": _LAYERS,
    "llama": _LAYERS,
    "ministral": _LAYERS,
    "ministral3": _LAYERS,
    "mistral": _LAYERS,
    "mistral3": Architecture(_INNER, stored=_WRAPPED, text=("ministral3", "mistral")),
    "mpt": Architecture("transformer.blocks", attention="eager"),
    "nemotron": _LAYERS,
    "olmo": _LAYERS,
    "olmo2": _LAYERS,
    "olmo3": _LAYERS,
    "opt": Architecture("model.decoder.layers"),
    "persimmon": _LAYERS,
    "phi": _LAYERS,
    "phi3": _LAYERS,
    "qwen2": _LAYERS,
    "qwen2_5_vl": Architecture(_INNER, stored="model.layers", text=("qwen2_5_vl_text",)),
    "qwen3": _LAYERS,
    "qwen3_vl": Architecture(_INNER, text=("qwen3_vl_text",)),
    "seed_oss": _LAYERS,
    "smollm3": _LAYERS,
    "stablelm": _LAYERS,
    "starcoder2": _LAYERS,
    "vaultgemma": _EAGER_GEMMA,
    "xglm": _EAGER,
}

KEYS_AND_VALUES = ("k_proj.weight", "v_proj.weight")
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")  # keys of a config.json

DOWN_PROJECTIONS = ("mlp.down_proj", "ffn.down_proj", "mlp.dense_4h_to_h", "mlp.c_proj")
DOWN_PROJECTIONS += ("mlp.fc_out", "fc2")


def architecture_of(model_folder: Path | str) -> Architecture:
    """The architecture named by `model_type` in a model folder's config.json.

    Raises InputError for one that is not in the table and for a mixture of experts, whose experts
    are not plain linear layers: refused as a whole, since it would be pruned by half.
    """
    path, whole = Path(model_folder) / "config.json", read_config(model_folder)
    model_type, config = str(whole["model_type"]), decoder_config(whole)
    # One expert is a plain feed-forward network, as in the configs of HunYuan.
    if found := [f"{key}: {config[key]}" for key in EXPERTS if config.get(key) not in (None, 0, 1)]:
        raise InputError(
            f"{path}: {model_type} is a mixture of experts ({found[0]}), which cannot be pruned; "
            "use a model without experts"
        )
    text_type = str(config["model_type"])  # the same for a model that is nothing but text
    if model_type not in ARCHITECTURES and text_type != model_type:
        known = ", ".join(name for name, entry in ARCHITECTURES.items() if entry.text)
        raise InputError(
            f"{path}: {model_type} has a text model ({text_type}) beside other parts, and of such "
            f"models only {known} are known; save the text model alone"
        )
    if model_type not in ARCHITECTURES:
        raise InputError(f"{path}: {unknown_name('model_type', model_type, sorted(ARCHITECTURES))}")
    architecture = ARCHITECTURES[model_type]
    if text_type not in (model_type, *architecture.text):
        raise InputError(
            f"{path}: the text model of {model_type} is {text_type}, known is "
            f"{' or '.join(architecture.text) or 'none'}; use another model"
        )
    blocks, shared = config.get("num_hidden_layers"), config.get("num_kv_shared_layers")
    if shared and isinstance(blocks, int) and isinstance(shared, int):
        return replace(architecture, shared_from=blocks - shared)
    return architecture


def read_config(model_folder: Path | str) -> dict:
    """A model folder's config.json; InputError where it is none."""
    path = Path(model_folder) / "config.json"
    try:
        config = parse_text(path.read_text(encoding="utf-8"))
        config["model_type"]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a Hugging Face model folder is needed") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: is not a model's config with a model_type") from None
    return config


def decoder_config(config: dict) -> dict:
    """The entries that hold for the decoder: those of a text model inside another come first."""
    text = config.get("text_config")
    return {**config, **text} if isinstance(text, dict) else config


def is_norm(parameter: str) -> bool:
    """Whether a parameter belongs to a norm: `input_layernorm.weight`, `q_norm.weight`."""
    return "norm" in parameter.split(".")[-2]


def is_down_projection(module: str) -> bool:
    """Whether a module maps the feed-forward network's neurons back to the hidden state."""
    return module.endswith(DOWN_PROJECTIONS)
