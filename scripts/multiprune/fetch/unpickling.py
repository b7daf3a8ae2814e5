"""Program: pickled weights of a model -> safetensors, in a process of its own (`fetch.pickled`).

    python unpickling.py FROM TO pytorch_model-00001-of-00002.bin ...

The only place that unpickles. torch does it with `weights_only`: nothing but what builds tensors is
run, and what else a pickle names is refused before.
"""

import json
import sys
from pathlib import Path
from zipfile import is_zipfile

import torch
from safetensors.torch import save_file


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of one file, each with memory of its own, as safetensors wants them."""
    loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    if not isinstance(loaded, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in loaded.items()
    ):
        raise ValueError("holds other things than tensors with names")
    return {name: value.detach().clone().contiguous() for name, value in loaded.items()}


def in_short(error: Exception) -> str:
    """The first line of what is wrong, without torch's advice to trust the file."""
    said = str(error).rpartition("WeightsUnpickler error:")[2].strip().partition("\n")[0]
    return f"{type(error).__name__}: {said.partition('. ')[0]}".removesuffix(": ")


def main() -> None:
    """Write model.safetensors, or shards and their index, under the names of the pickled files."""
    source, target, *names = map(Path, sys.argv[1:])
    weight_map = {}
    for name in map(str, names):
        try:
            tensors = tensors_of(source / name)
        except Exception as error:
            sys.exit(f"{name}: {in_short(error)}")
        written = name.replace("pytorch_model", "model").removesuffix(".bin") + ".safetensors"
        save_file(tensors, target / written, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(tensors, written)
    if len(names) > 1:
        index = {"metadata": {}, "weight_map": dict(sorted(weight_map.items()))}
        (target / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    main()
