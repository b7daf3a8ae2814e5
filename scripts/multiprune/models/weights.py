"""A model's weights read tensor by tensor from its safetensors files; the model is never built."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from multiprune.errors import InputError
from multiprune.files.json import parse_text
from multiprune.files.tensors import opened_tensors
from multiprune.models.architectures import architecture_of

if TYPE_CHECKING:  # every job parses the workflow, which needs the names of files alone
    import torch


@dataclass(frozen=True)
class LinearWeight:
    """One prunable parameter. `rows` are outputs, `columns` inputs, however it is stored."""

    name: str
    block: int
    rows: int
    columns: int
    transposed: bool

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.rows * self.columns

    @property
    def stored_shape(self) -> tuple[int, int]:
        """Shape in the model's `state_dict()`."""
        return (self.columns, self.rows) if self.transposed else (self.rows, self.columns)


WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"


def weight_names(names: Iterable[str]) -> list[str]:
    """Names of the safetensors files that count, as far as names alone tell.

    A folder may hold the same weights once more, or others beside them: the whole model hides all
    other files, and files in the naming of transformers (`model*`) hide consolidated.safetensors
    of Mistral and adapter_model.safetensors.
    """
    found = sorted(name for name in names if name.endswith(".safetensors"))
    return [WHOLE] if WHOLE in found else [n for n in found if n.startswith("model")] or found


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that transformers loads: the whole model, or its index's shards.

    Without either, those of `weight_names`. InputError for no file, or an index that cannot be
    read.
    """
    names = weight_names(path.name for path in folder.glob("*.safetensors"))
    if WHOLE in names or not (folder / INDEX).is_file():
        if not names:
            raise InputError(f"{folder}: has no .safetensors file (pickled weights are not read)")
        return [folder / name for name in names]
    try:
        index = parse_text((folder / INDEX).read_text(encoding="utf-8"))
        return [folder / name for name in sorted(set(index["weight_map"].values()))]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{folder / INDEX}: is not an index of weights (weight_map)") from None


class ModelWeights:
    """The prunable weights of a Hugging Face folder, by name in the model's `state_dict()`."""

    def __init__(self, folder: Path | str):
        """Read the headers of `weight_files`; raise InputError where nothing is prunable."""
        self.folder = Path(folder)
        self.architecture = architecture_of(folder)
        self._location: dict[str, tuple[Path, str]] = {}
        found = []
        for path in weight_files(self.folder):
            with opened_tensors(path, framework="pt") as file:
                for stored_name in file.keys():  # noqa: SIM118
                    name = self.architecture.state_name(stored_name)
                    shape = tuple(file.get_slice(stored_name).get_shape())
                    if len(shape) == 3 and self.architecture.block_index(name) is not None:
                        raise InputError(
                            f"{path}: {stored_name} has three dimensions, only plain linear layers "
                            "can be pruned; use another model"
                        )
                    if self.architecture.is_prunable(name, shape):
                        self._location[name] = (path, stored_name)
                        found.append(self._linear_weight(name, shape))
        if not found:
            raise InputError(f"{folder}: no linear weight under {self.architecture.blocks}.*")
        self.linear = sorted(found, key=lambda weight: (weight.block, weight.name))

    def _linear_weight(self, name: str, shape: tuple[int, ...]) -> LinearWeight:
        transposed = self.architecture.transposed
        rows, columns = reversed(shape) if transposed else shape
        block = self.architecture.block_index(name)
        return LinearWeight(name, block, rows, columns, transposed)

    def by_block(self) -> dict[int, list[LinearWeight]]:
        """Prunable weights of each decoder block, in order."""
        blocks = defaultdict(list)
        for weight in self.linear:
            blocks[weight.block].append(weight)
        return dict(blocks)

    def read(self, weight: LinearWeight) -> "torch.Tensor":
        """One weight as [rows, columns] in the stored precision."""
        path, stored_name = self._location[weight.name]
        try:
            with opened_tensors(path, framework="pt") as file:
                tensor = file.get_tensor(stored_name)
        except SafetensorError as error:
            raise InputError(f"{path}: {stored_name} cannot be read ({error})") from None
        return tensor.T if weight.transposed else tensor
