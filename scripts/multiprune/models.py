"""Loading a model folder for a forward pass: dense or masked, on the GPU where there is one."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # only the fetch rules touch the network

from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from multiprune.architectures import architecture_of
from multiprune.errors import InputError
from multiprune.pruned_weights import apply_pruning

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def set_up(threads: int) -> torch.device:
    """Use `threads` cores and deterministic kernels; the device is CUDA where there is one."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Deterministic mode also fills all new memory, at a fifth of a pass's time; nothing reads it.
    torch.utils.deterministic.fill_uninitialized_memory = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_model(
    folder: Path | str,
    dtype: str = "auto",
    pruning: Path | str | None = None,
    on_host: bool = False,
) -> PreTrainedModel:
    """The causal language model in a folder, in evaluation mode, pruned by a mask or weights file.

    Only safetensors are read and no remote code is run. On a machine with GPUs the model is spread
    over them, or kept in host memory with `on_host`. Raises InputError for a folder that does not
    hold a loadable model.
    """
    architecture_of(folder)
    device_map = "auto" if torch.cuda.is_available() and not on_host else None
    try:
        model, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            device_map=device_map,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{folder}: the model cannot be loaded ({_first_line(error)})") from None
    if missing := sorted(loading["missing_keys"]):
        raise InputError(
            f"{folder}: has no weights for {missing[0]} ({len(missing)} missing), which would be "
            "random; save the whole causal language model"
        )
    if any(parameter.is_meta for parameter in model.parameters()):
        raise InputError(
            f"{folder}: the model does not fit on the GPU; run fewer jobs at a time with "
            "--resources gpu=1, or use the CPU with CUDA_VISIBLE_DEVICES="
        )
    if pruning is not None:
        apply_pruning(model, pruning)
    return model.eval()


def load_tokenizer(folder: Path | str) -> PreTrainedTokenizerBase:
    """The tokenizer in a model folder."""
    try:
        return AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        message = _first_line(error)
        raise InputError(f"{folder}: the tokenizer cannot be loaded ({message})") from None


@torch.inference_mode()
def forward(model: PreTrainedModel, input_ids: torch.Tensor) -> torch.Tensor:
    """Hidden states [windows, length, hidden] before the output head, which is not run."""
    return model.base_model(input_ids.to(model.device), use_cache=False).last_hidden_state


def check_length(model: PreTrainedModel, length: int) -> None:
    """Raise InputError where a window is longer than the positions the model was made for."""
    names = ("max_position_embeddings", "n_positions")
    most = next((n for name in names if (n := getattr(model.config, name, None))), None)
    if most is not None and length > most:
        raise InputError(
            f"windows of {length} tokens are longer than the {most} positions of "
            f"{type(model).__name__}; lower the length in the config"
        )


def library_versions() -> dict[str, str]:
    """Versions of the libraries that numbers depend on."""
    return {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")}


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
