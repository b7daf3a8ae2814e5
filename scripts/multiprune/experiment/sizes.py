"""How large a model is, by the config and by the files that are there: parameters and their bytes.

Headers alone are read, so that it costs nothing where every job parses the workflow.
"""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.models import LocalModel, Model
from multiprune.files.header import stored_tensors
from multiprune.models.precision import AUTO, BYTES, loaded_dtype
from multiprune.models.weights import weight_names

SMALL = 0.2  # billions: of a model that is not stated and not here yet, such as the demo's
LARGE = 1.0  # billions from which float32 is worth a word
FAR = 1.5  # stated and counted sizes that differ by this factor are not the same model


def billions(model: Model) -> float:
    """Billions of parameters that memory and time are asked for."""
    return model.parameters or counted(model) or SMALL


def counted(model: Model) -> float | None:
    """Billions of parameters in a local model's files; None for others, and while none is there."""
    return _in_folder(Path(model.folder).expanduser()) if isinstance(model, LocalModel) else None


@cache
def _in_folder(folder: Path) -> float | None:
    names = weight_names(path.name for path in folder.glob("*.safetensors"))
    try:
        tensors = [tensor for name in names for tensor in stored_tensors(folder / name)]
    except (InputError, OSError):  # which fetching refuses
        return None
    return sum(math.prod(tensor.shape) for tensor in tensors) / 1e9 or None


def bytes_per_weight(name: str, model: Model) -> int:
    """Bytes of a weight in memory: of the dtype that is asked for, else of its files.

    Of a model that is not here yet those of its kind: GGUF files are converted to float32.
    """
    folder = Path(getattr(model, "folder", f"resources/models/{name}")).expanduser()
    usual = "float32" if model.kind == "package_gguf" else "bfloat16"
    try:
        return BYTES.get(loaded_dtype(folder, model.dtype) or usual, BYTES[usual])
    except (InputError, OSError):  # which fetching refuses
        return BYTES[usual]


def in_float32(experiment: Experiment) -> Iterator[str]:
    """A line for each large model that `auto` loads in float32."""
    for name, model in experiment.models.items():
        size = bytes_per_weight(name, model)
        if model.dtype == AUTO and size >= BYTES["float32"] and billions(model) > LARGE:
            yield (
                f"models.{name}.dtype: auto is float32 here, {size * billions(model):.3g} GB of "
                "weights; bfloat16 takes half, and on a GPU a fraction of the time"
            )


def misstated(experiment: Experiment) -> Iterator[str]:
    """A line for each model whose stated size is far from that of its files."""
    for name, model in experiment.models.items():
        stated, found = model.parameters, counted(model)
        if stated and found and not 1 / FAR < stated / found < FAR:
            yield (
                f"models.{name}.parameters: says {stated:g} billion, its files hold {found:.3g}; "
                "leave it out, and it is counted"
            )


def remarks(experiment: Experiment) -> list[str]:
    """What is to be said of the sizes of models before a run."""
    return [*misstated(experiment), *in_float32(experiment)]
