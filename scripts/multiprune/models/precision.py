"""In what precision a model's weights are loaded: what `dtype: auto` stands for.

Read from headers, without torch, since every job parses the workflow.
"""

from pathlib import Path

from multiprune.files.header import stored_tensors
from multiprune.models.architectures import read_config
from multiprune.models.weights import weight_files

AUTO = "auto"
BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
STORED = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


def loaded_dtype(folder: Path, dtype: str = AUTO) -> str | None:
    """The precision in which transformers loads the model in a folder; None without weights yet.

    `auto` is what config.json names, else that of the first weights. Raises InputError for a folder
    without config.json, or with weights that cannot be read.
    """
    if dtype != AUTO:
        return dtype
    config = read_config(folder)
    if named := config.get("dtype") or config.get("torch_dtype"):
        return named
    paths = sorted(folder.glob("*.safetensors")) and weight_files(folder)
    tensors = stored_tensors(paths[0]) if paths else []
    return next((STORED[tensor.dtype] for tensor in tensors if tensor.dtype in STORED), None)
