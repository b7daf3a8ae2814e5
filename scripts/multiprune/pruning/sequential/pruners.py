"""How one block is pruned in sequential propagation: sums over its inputs -> what is stored of it.

A mask where weights are only dropped, new weights where those that are kept move as well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from multiprune.errors import InputError
from multiprune.models.architectures import is_down_projection
from multiprune.models.weights import LinearWeight, ModelWeights
from multiprune.pruning.files import read_mask
from multiprune.pruning.masks import pack, unpack, write_mask
from multiprune.pruning.moved_weights import join_weights, write_weights
from multiprune.pruning.pruner import (
    BlockReport,
    Pruner,
    further_sum,
    pattern_of,
    reads_activity,
)
from multiprune.pruning.sequential import sparsegpt
from multiprune.pruning.sequential.hessian import InputHessian
from multiprune.pruning.sequential.passes import Accumulator
from multiprune.registry import find
from multiprune.statistics.files import InputStatistics, LanguageStatistics, ModuleInput
from multiprune.statistics.sums import ActivationSums

CONTRAST = "contrast set"  # among the calibration sets; no name of a language holds a space
ACTIVE = "active"  # the count of a block's inputs
SPARSEGPT = "sparsegpt"  # the score of the methods that move weights

Accumulators = dict[str, dict[ModuleInput, Accumulator]]  # by calibration set


class BlockPruner(Protocol):
    """Prunes the blocks of a model one by one, and stores what it made of them."""

    def accumulators(
        self, sets: Iterable[str], channels: dict[ModuleInput, int], device: torch.device
    ) -> Accumulators:
        """What is to be summed over a block's inputs, by calibration set."""

    def prune(
        self, block: list[LinearWeight], report: BlockReport, accumulators: Accumulators
    ) -> dict[str, np.ndarray] | dict[str, Tensor]:
        """What `write` takes, by parameter; counts what is dropped in the block's report."""

    def write(self, path: Path | str, pruned: dict, metadata: dict[str, object]) -> None:
        """Write a pruned block; `metadata` holds the parameters' shapes."""

    def join(self, path: Path | str, parts: Iterable[Path], metadata: dict[str, object]) -> None:
        """Write the files of all blocks as one, with the shapes added to its metadata."""


def block_pruner(weights: ModelWeights, method: dict, threshold: float) -> BlockPruner:
    """The way of a method (canonical options).

    Where it reads activity, that is counted at `threshold`, the method's.
    """
    if method["score"] == SPARSEGPT:
        return WeightPruner(weights, method)
    if "refine" in method:
        return RefiningPruner(weights, method, threshold)
    return MaskPruner(weights, method, threshold)


class BlockStatistics:
    """Sums of one block's module inputs by calibration set, in memory."""

    def __init__(self, sums: dict[str, dict[ModuleInput, ActivationSums]]):
        """Take the sums by calibration set; raise InputError where they are not finite."""
        self.inputs = list(next(iter(sums.values())))
        self._input_of = {member: i for i in self.inputs for member in i.members}
        self._sums = {
            i: {name: by_input[i] for name, by_input in sums.items()} for i in self.inputs
        }
        for name, by_input in sums.items():
            for module_input, total in by_input.items():
                if not all(np.isfinite(array).all() for array in total.arrays().values()):
                    raise InputError(
                        f"{name}: its activations at {module_input.name} are not finite; load the "
                        "model in another dtype or prune less"
                    )

    def input_of(self, parameter: str) -> ModuleInput:
        """The module input that a parameter is multiplied with."""
        return self._input_of[parameter]

    def read(
        self,
        module_input: ModuleInput,
        counts: bool = False,
        threshold: float | None = None,
        absolute: bool = False,
        further: str | None = None,
    ) -> InputStatistics:
        """Sums of one module input over all calibration sets; activity at the method's tau."""
        totals = self._sums[module_input]

        def languages() -> Iterator[LanguageStatistics]:
            for name, total in totals.items():
                arrays = total.arrays()
                tokens, active = float(total.tokens), arrays.get(ACTIVE)
                total = arrays[further] if further else None
                yield LanguageStatistics(name, tokens, arrays["sum_sq"], active, total)

        return InputStatistics(languages, is_down_projection(module_input.name))


class MaskPruner:
    """Drops the weights of the lowest scores; the others stay as they are.

    A calibration set called CONTRAST is only what the norm `contrast` divides by.
    """

    def __init__(self, weights: ModelWeights, method: dict, threshold: float):
        self._weights = weights
        self._method = method
        self._counts = {ACTIVE: threshold} if reads_activity(method) else {}
        self._further = [name] if (name := further_sum(method)) else []

    def accumulators(
        self, sets: Iterable[str], channels: dict[ModuleInput, int], device: torch.device
    ) -> Accumulators:
        """Statistics of every set on its own."""
        return {
            name: {
                i: ActivationSums(n, self._counts, device, self._further)
                for i, n in channels.items()
            }
            for name in sets
        }

    def prune(
        self, block: list[LinearWeight], report: BlockReport, accumulators: Accumulators
    ) -> dict[str, np.ndarray]:
        """Packed masks."""
        contrast = accumulators.pop(CONTRAST, None)
        pruner = Pruner(
            self._weights,
            BlockStatistics(accumulators),
            self._method,
            BlockStatistics({CONTRAST: contrast}) if contrast else None,
        )
        return pruner.prune_block(block, report)

    def write(
        self, path: Path | str, pruned: dict[str, np.ndarray], metadata: dict[str, object]
    ) -> None:
        """Write packed masks."""
        write_mask(path, pruned, metadata)

    def join(self, path: Path | str, parts: Iterable[Path], metadata: dict[str, object]) -> None:
        """Write one mask of all blocks."""
        masks, shapes = {}, {}
        for part in parts:
            for name, packed, shape in read_mask(part):
                masks[name], shapes[name] = packed, shape
        write_mask(path, masks, {**metadata, "shapes": shapes})


@dataclass
class SumsAndMoments:
    """Statistics of a module input, and its second moments, of this set alone or of several."""

    sums: ActivationSums
    moments: InputHessian

    def update(self, inputs: Tensor, counted: Tensor | None) -> None:
        """Add a batch to both."""
        self.sums.update(inputs, counted)
        self.moments.update(inputs, counted)


class RefiningPruner(MaskPruner):
    """Drops the weights of the lowest scores, then refines what it chose (`refine`)."""

    def __init__(self, weights: ModelWeights, method: dict, threshold: float):
        super().__init__(weights, method, threshold)
        self._options = dict(method["refine"])
        self._refinement = find("pruning.refinements", self._options.pop("kind"))
        self._told_apart = self._refinement.by_language(self._options["objective"])

    def accumulators(
        self, sets: Iterable[str], channels: dict[ModuleInput, int], device: torch.device
    ) -> Accumulators:
        """Statistics of every set, and second moments of each, or of all that calibrate."""
        found, moments = super().accumulators(sets, channels, device), None
        for name, by_input in found.items():
            if name == CONTRAST:
                continue
            if moments is None or self._told_apart:
                moments = {i: InputHessian(size, device) for i, size in channels.items()}
            for module_input, sums in by_input.items():
                by_input[module_input] = SumsAndMoments(sums, moments[module_input])
        return found

    def prune(
        self, block: list[LinearWeight], report: BlockReport, accumulators: Accumulators
    ) -> dict[str, np.ndarray]:
        """Packed masks, refined."""
        moments = {}
        for name, by_input in accumulators.items():
            if name == CONTRAST:
                continue
            for module_input, both in by_input.items():
                among = moments.setdefault(module_input, {})
                among[name if self._told_apart else "all"] = both.moments
                by_input[module_input] = both.sums
        masks = super().prune(block, report, accumulators)
        by_name = {weight.name: weight for weight in block}
        for module_input in list(moments):  # second moments go once their matrices are done
            matrices = {name: held.matrix for name, held in moments.pop(module_input).items()}
            for name in module_input.members:
                masks[name] = self._refined(by_name[name], masks[name], matrices)
        return masks

    def _refined(
        self, weight: LinearWeight, packed: np.ndarray, moments: dict[str, Tensor]
    ) -> np.ndarray:
        device = next(iter(moments.values())).device
        pattern = pattern_of(self._method)
        stored = torch.from_numpy(unpack(packed, weight.stored_shape)).bool()
        keep = self._refinement.refine(
            self._weights.read(weight).to(device, torch.float32),
            (stored.T if weight.transposed else stored).to(device),
            moments,
            pattern and pattern.size,
            **self._options,
        )
        return pack(keep.T if weight.transposed else keep)


class WeightPruner:
    """Drops weights and moves those that are kept, by the Hessian of their input (SparseGPT)."""

    def __init__(self, weights: ModelWeights, method: dict):
        self._weights = weights
        self._method = method

    def accumulators(
        self, sets: Iterable[str], channels: dict[ModuleInput, int], device: torch.device
    ) -> Accumulators:
        """One Hessian for all sets: every token counts alike."""
        hessians = {i: InputHessian(size, device) for i, size in channels.items()}
        return dict.fromkeys(sets, hessians)

    def prune(
        self, block: list[LinearWeight], report: BlockReport, accumulators: Accumulators
    ) -> dict[str, Tensor]:
        """New weights, as stored in the model and in its precision.

        Raises InputError that names the parameter where a matrix or its Hessian is unfit.
        """
        hessians = next(iter(accumulators.values()))
        by_name = {weight.name: weight for weight in block}
        pruned = {}
        for module_input in list(hessians):  # each Hessian goes once its matrices are pruned
            pruned |= self._prune_members(
                [by_name[name] for name in module_input.members],
                hessians.pop(module_input),
                report,
            )
        return pruned

    def _prune_members(
        self, members: list[LinearWeight], hessian: InputHessian, report: BlockReport
    ) -> dict[str, Tensor]:
        pattern = pattern_of(self._method)
        weight = members[0]
        pruned = {}
        try:
            factor = sparsegpt.inverse_factor(hessian.matrix, self._method["damping"])
            for weight in members:
                result = sparsegpt.prune_with(
                    self._weights.read(weight).to(factor.upper.device),
                    factor,
                    report.target,
                    pattern and pattern.size,
                    self._method["block_size"],
                )
                report.pruned += result.pruned
                new = result.weight.T if weight.transposed else result.weight
                pruned[weight.name] = new.cpu()
        except InputError as error:
            raise InputError(f"{weight.name}: {error}") from None
        return pruned

    def write(
        self, path: Path | str, pruned: dict[str, Tensor], metadata: dict[str, object]
    ) -> None:
        """Write new weights."""
        write_weights(path, pruned, metadata)

    def join(self, path: Path | str, parts: Iterable[Path], metadata: dict[str, object]) -> None:
        """Write the new weights of all blocks, with one matrix in memory at a time."""
        join_weights(path, parts, metadata)
