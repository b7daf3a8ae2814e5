"""Opening a model folder with transformers: safetensors alone, no code from the folder, no guess.

The same for a job that computes and for the fetch of a model, which opens it without its numbers.
"""

from pathlib import Path

import transformers
from transformers import AutoConfig, PreTrainedModel

from multiprune.errors import InputError, in_one_line
from multiprune.models.architectures import Architecture, architecture_of

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def open_model(
    folder: Path, source: str, dtype: str = "auto", device_map: str | None = None
) -> PreTrainedModel:
    """The causal language model in a folder; `source` names it in messages.

    The attention implementation is the architecture's, whatever config.json asks for. Raises
    InputError for a folder that does not hold a loadable model, or weights that are not exactly
    those of its config.json.
    """
    architecture = architecture_of(folder)
    AutoModel = getattr(transformers, architecture.auto_class)
    try:
        # A config that is given lets go of an attention implementation that config.json names.
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        model, loading = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            attn_implementation=architecture.attention,
            device_map=device_map,
            ignore_mismatched_sizes=True,  # `_check_loading` refuses them, and names them
            output_loading_info=True,
        )
    except Exception as error:  # of any type: config and files are whatever the user has
        if type(error).__name__ == "OutOfMemoryError":
            raise
        raise InputError(f"{source}: the model cannot be loaded ({in_one_line(error)})") from None
    _check_loading(source, architecture, loading)
    return model


def check_model(folder: Path, source: str) -> None:
    """InputError where `open_model` would refuse the folder; its numbers take no memory."""
    open_model(folder, source, device_map="meta")


def _check_loading(source: str, architecture: Architecture, loading: dict) -> None:
    """Raise InputError where checkpoint and model differ, by transformers' account of loading.

    Tensors beyond the model's are let be, such as buffers that old checkpoints hold, except weights
    in a decoder block: they would be pruned and never used.
    """
    if missing := sorted(loading["missing_keys"]):
        raise InputError(
            f"{source}: has no weights for {missing[0]} ({len(missing)} missing), which would be "
            "random; save the whole causal language model"
        )
    if mismatched := sorted(loading["mismatched_keys"]):
        name, *shapes = mismatched[0]
        stored, expected = ("x".join(map(str, shape)) for shape in shapes)
        raise InputError(
            f"{source}: {name} is {stored} in the weights, config.json makes it {expected} "
            f"({len(mismatched)} such); take both from one model"
        )
    names = map(architecture.state_name, loading["unexpected_keys"])
    unused = [n for n in names if n.endswith(".weight") and architecture.block_index(n) is not None]
    if unused:
        raise InputError(
            f"{source}: holds {min(unused)}, which the model of config.json does not have "
            f"({len(unused)} such); merge or remove what was added to the model"
        )
