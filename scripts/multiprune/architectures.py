"""Where each supported architecture keeps its decoder blocks and linear layers.

Names are those of the model's own `state_dict()`. Checkpoint files of some models (BLOOM, GPT-2)
leave out the base model's prefix; `state_name` adds it.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from multiprune.errors import InputError
from multiprune.registry import unknown_name


@dataclass(frozen=True)
class Architecture:
    """Prefix of the decoder blocks; whether weights are stored [inputs, outputs] (Conv1D)."""

    blocks: str
    transposed: bool = False

    def state_name(self, checkpoint_name: str) -> str:
        """Name in `state_dict()` of a tensor in a checkpoint file."""
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
        inside = self.block_index(name) is not None
        return inside and name.endswith(".weight") and len(shape) == 2 and not is_norm(name)


_LAYERS = Architecture("model.layers")
_HEADS = Architecture("transformer.h")

ARCHITECTURES = {
    "bloom": _HEADS,
    "cohere": _LAYERS,
    "cohere2": _LAYERS,
    "gemma": _LAYERS,
    "gemma2": _LAYERS,
    "gemma3_text": _LAYERS,
    "gpt2": Architecture("transformer.h", transposed=True),
    "llama": _LAYERS,
    "mistral": _LAYERS,
    "olmo": _LAYERS,
    "olmo2": _LAYERS,
    "qwen2": _LAYERS,
    "qwen3": _LAYERS,
    "xglm": _LAYERS,
}

EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")  # keys of a config.json

DOWN_PROJECTIONS = ("mlp.down_proj", "mlp.dense_4h_to_h", "mlp.c_proj", "fc2")


def architecture_of(model_folder: Path | str) -> Architecture:
    """The architecture named by `model_type` in a model folder's config.json.

    Raises InputError for one that is not in the table and for a mixture of experts, whose experts
    are not plain linear layers: refused as a whole, since it would be pruned by half.
    """
    path = Path(model_folder) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model_type = str(config["model_type"])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a Hugging Face model folder is needed") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: is not a model's config with a model_type") from None
    if found := [f"{key}: {config[key]}" for key in EXPERTS if config.get(key)]:
        raise InputError(
            f"{path}: {model_type} is a mixture of experts ({found[0]}), which cannot be pruned; "
            "use a model without experts"
        )
    if model_type not in ARCHITECTURES:
        raise InputError(f"{path}: {unknown_name('model_type', model_type, sorted(ARCHITECTURES))}")
    return ARCHITECTURES[model_type]


def is_norm(parameter: str) -> bool:
    """Whether a parameter belongs to a norm: `input_layernorm.weight`, `q_norm.weight`."""
    return "norm" in parameter.split(".")[-2]


def is_down_projection(module: str) -> bool:
    """Whether a module maps the feed-forward network's neurons back to the hidden state."""
    return module.endswith(DOWN_PROJECTIONS)
