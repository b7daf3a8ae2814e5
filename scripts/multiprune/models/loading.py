"""Loading a model folder for a forward pass, on the GPU where there is one."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # only the fetch rules touch the network

from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from multiprune.errors import InputError
from multiprune.models.devices import CUDA, device, gpu_memory, placement
from multiprune.models.opening import open_model
from multiprune.models.positions import positions


def load_model(
    folder: Path | str,
    dtype: str = "auto",
    *,
    on_host: bool = False,
) -> PreTrainedModel:
    """The causal language model in a folder, in evaluation mode.

    Only safetensors are read and no remote code is run. On a machine with GPUs the model is put on
    the first, or spread over all where it does not fit there; `on_host` keeps it in host memory.
    Raises InputError for a folder that does not hold a loadable model, or weights that are not
    exactly those of its config.json.
    """
    on_gpus = not on_host and device().type == CUDA
    device_map = placement(Path(folder), dtype, gpu_memory()) if on_gpus else None
    model = open_model(Path(folder), str(folder), dtype, device_map)
    if any(parameter.is_meta for parameter in model.parameters()):
        raise InputError(
            f"{folder}: the model does not fit on the GPU; run fewer jobs at a time with "
            "--resources gpu=1, or use the CPU with CUDA_VISIBLE_DEVICES="
        )
    return model.eval()


@torch.inference_mode()
def forward(model: PreTrainedModel, input_ids: torch.Tensor) -> torch.Tensor:
    """Hidden states [windows, length, hidden] before the output head, which is not run."""
    return model.base_model(input_ids.to(model.device), use_cache=False).last_hidden_state


def check_length(model: PreTrainedModel, length: int) -> None:
    """Raise InputError where a window is longer than the positions the model was made for."""
    most = positions(model.config.get_text_config().to_dict())
    if most is not None and length > most:
        raise InputError(
            f"windows of {length} tokens are longer than the {most} positions of "
            f"{type(model).__name__}; lower the length in the config"
        )


def check_ids(model: PreTrainedModel, ids: np.ndarray, origin: Path | str) -> None:
    """Raise InputError where a token id is not in the model's vocabulary."""
    vocabulary = model.get_input_embeddings().num_embeddings
    if not 0 <= ids.min() <= ids.max() < vocabulary:
        raise InputError(
            f"{origin}: has token ids from {ids.min()} to {ids.max()}, {type(model).__name__} has "
            f"{vocabulary} tokens; take the tokenizer that belongs to the model"
        )


def not_finite(model: PreTrainedModel) -> str:
    """What to say of activations, logits or losses that are NaN or infinite, and what to do."""
    dtype = str(model.dtype).removeprefix("torch.")
    if model.dtype == torch.float16:
        return f"not finite in {dtype}; set dtype: bfloat16 or float32 in models.NAME, or --dtype"
    return f"not finite in {dtype}; take an undamaged copy of the model, or prune less"
