"""How sparse a model folder is: zeros by block and by kind of matrix, and n:m patterns.

Counted in the weights themselves, so that it holds for a model of any origin.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from multiprune.errors import InputError
from multiprune.experiment.group_pattern import GroupPattern
from multiprune.export.model_card import RECORD
from multiprune.models.architectures import architecture_of
from multiprune.models.weights import ModelWeights, weight_files

LEVELS = ("level", "name", "weights", "zeros", "sparsity")  # columns before the patterns'


@dataclass
class Sparsity:
    """Zeros among weights; for each pattern n:m, whether all matrices counted here keep to it."""

    weights: int = 0
    zeros: int = 0
    holds: dict[str, bool] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share of the weights that are zero."""
        return self.zeros / self.weights

    def __add__(self, other: "Sparsity") -> "Sparsity":
        """Both together."""
        patterns = self.holds | other.holds
        holds = {p: self.holds.get(p, True) and other.holds.get(p, True) for p in patterns}
        return Sparsity(self.weights + other.weights, self.zeros + other.zeros, holds)


@dataclass(frozen=True)
class Matrix:
    """One prunable weight: its decoder block, its kind (`self_attn.q_proj`), its sparsity."""

    block: int
    kind: str
    sparsity: Sparsity


def keeps_pattern(zero: Tensor, pattern: GroupPattern) -> bool:
    """Whether every group of m consecutive inputs has at least n zeros, for a pattern n:m.

    zero: bool [rows, columns]; False where m does not divide the columns.
    """
    if zero.shape[1] % pattern.size:
        return False
    in_group = zero.unflatten(1, (-1, pattern.size)).sum(dim=2, dtype=torch.uint8)
    return int(in_group.min()) >= pattern.dropped


def sparsity_of(weight: Tensor, patterns: Iterable[GroupPattern]) -> Sparsity:
    """Zeros (of either sign) of one matrix [rows, columns] and the patterns that it keeps to."""
    zero = weight == 0
    holds = {str(pattern): keeps_pattern(zero, pattern) for pattern in patterns}
    return Sparsity(zero.numel(), int(zero.sum()), holds)


def matrices(folder: Path | str, patterns: Sequence[GroupPattern] = ()) -> list[Matrix]:
    """Every prunable weight of a model folder, by block and name; one is in memory at a time."""
    must_be_readable(folder)
    weights = ModelWeights(folder)
    return [
        Matrix(
            weight.block,
            weight.name.split(f".{weight.block}.", 1)[1].removesuffix(".weight"),
            sparsity_of(weights.read(weight), patterns),
        )
        for weight in weights.linear
    ]


def must_be_readable(folder: Path | str) -> None:
    """InputError for a missing or broken file of weights; a user's own file stays as it is."""
    architecture_of(folder)  # first, since it is clearest about a folder that is no model at all
    for path in weight_files(Path(folder)):
        try:
            with safe_open(path, framework="pt"):
                pass
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; complete the model") from None
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: is not a safetensors file ({error})") from None


def together(rows: Iterable[Matrix], key: Callable[[Matrix], object]) -> dict[object, Sparsity]:
    """Matrices that share a key together, in the order of first appearance."""
    groups: dict[object, Sparsity] = {}
    for row in rows:
        groups[key(row)] = groups.get(key(row), Sparsity()) + row.sparsity
    return groups


def sparsity_rows(counted: Sequence[Matrix]) -> list[dict]:
    """Table rows: the whole model, then each kind of matrix, then each block."""
    levels = {
        "model": {"all": sum((row.sparsity for row in counted), Sparsity())},
        "kind": together(counted, lambda row: row.kind),
        "block": together(counted, lambda row: row.block),
    }
    return [
        {
            "level": level,
            "name": name,
            "weights": sparsity.weights,
            "zeros": sparsity.zeros,
            "sparsity": sparsity.share,
            **{pattern: "yes" if kept else "no" for pattern, kept in sparsity.holds.items()},
        }
        for level, groups in levels.items()
        for name, sparsity in groups.items()
    ]


def as_text(rows: Sequence[dict], columns: Sequence[str]) -> str:
    """The rows as aligned text, numbers rounded, for a terminal."""
    cells = [list(columns), *([_cell(row.get(column)) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}" if value >= 10 else f"{value:.5f}"
    return "" if value is None else str(value)


def must_match_record(folder: Path | str, counted: Sequence[Matrix]) -> None:
    """InputError where an export holds another number of zeros than its own record says.

    Nothing is compared where the folder has no record, since any folder can be reported.
    """
    path = Path(folder) / RECORD
    if not path.is_file():
        return
    try:
        recorded = sum(json.loads(path.read_text(encoding="utf-8"))["zeros"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: is not the record of an export; remove it") from None
    found = sum(row.sparsity.zeros for row in counted)
    if found != recorded:
        raise InputError(
            f"{path}: says that {recorded} weights are zero, but {found} are; the weights were "
            "changed after the export"
        )
